"""Ways of decoding as a study file names them."""

from __future__ import annotations

import re
from typing import Any

from tunewise.core.errors import SettingError
from tunewise.decoding.strategies import Strategy

_NUMBERED = re.compile(r"(beam|top-k|top-p|nucleus|temperature)\s+([0-9.]+)")
RIGHT = (
    "greedy, beam 4, or what is drawn from: top-k 10, top-p 0.9, temperature 0.7, also several "
    "(top-k 50, temperature 0.7)"
)


def strategy(words: str, max_new_tokens: int) -> Strategy:
    """The strategy of that name.

    Raises:
        SettingError: there is none.

    >>> strategy("top-p 0.9, temperature 0.7", 32).label
    'top-p 0.9, temperature 0.7'
    """
    plain = words.strip().lower()
    if plain == "greedy":
        return Strategy(max_new_tokens=max_new_tokens)
    rest = _NUMBERED.sub("", plain).replace(",", "").strip()
    found = _NUMBERED.findall(plain)
    names = [name for name, _ in found]
    if rest or not found or len(set(names)) < len(names) or ("beam" in names and len(names) > 1):
        raise SettingError("decoding", words, f"{RIGHT}.")
    chosen: dict[str, Any] = {}
    for name, number in found:
        setting, value = _value(words, name, number)
        chosen[setting] = value
    kind: Any = "beam" if "beams" in chosen else "sample"
    try:
        return Strategy(kind=kind, max_new_tokens=max_new_tokens, **chosen)
    except SettingError as error:
        raise SettingError("decoding", words, error.expected) from error


def _value(words: str, name: str, number: str) -> tuple[str, int | float]:
    try:
        value = float(number)
    except ValueError:
        raise SettingError("decoding", words, f"{number} is no number.") from None
    if name in ("beam", "top-k"):
        if value < 1 or value != int(value):
            raise SettingError("decoding", words, f"{name} takes a whole number from 1 up.")
        return {"beam": "beams", "top-k": "top_k"}[name], int(value)
    if name in ("top-p", "nucleus"):
        if not 0 < value <= 1:
            raise SettingError("decoding", words, f"{name} takes a number above 0, at most 1.")
        return "top_p", value
    if value <= 0:
        raise SettingError("decoding", words, "temperature takes a number above 0.")
    return "temperature", value
