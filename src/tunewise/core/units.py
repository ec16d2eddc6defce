"""Sizes and budgets as people write them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

UNITS = {
    "B": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("kMGT", start=1)},
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", start=1)},
}
_MINUTE, _HOUR = 60, 3600
_TIMES = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), _MINUTE),
    **dict.fromkeys(("h", "hour", "hours"), _HOUR),
}
_TRIALS = ("trial", "trials")
_AMOUNT = re.compile(r"\s*(?P<number>\d+(\.\d+)?)\s*(?P<unit>[A-Za-z]+)\s*")


def parse_bytes(text: str) -> int:
    """A size in bytes. `GB` is a thousand million, `GiB` is 2**30; capitals do not matter.

    Raises:
        ValueError: it is no size; the text says what one looks like.

    >>> parse_bytes("8 GB"), parse_bytes("1.5GiB"), parse_bytes("512 mb")
    (8000000000, 1610612736, 512000000)
    """
    found = _AMOUNT.fullmatch(text)
    by_letters = {unit.lower(): size for unit, size in UNITS.items()}
    size = by_letters.get(found["unit"].lower()) if found else None
    if found is None or size is None:
        raise ValueError(f"{text!r} is no size: a number and a unit, such as 8 GB or 512 MiB.")
    count = round(float(found["number"]) * size)
    if count < 1:
        raise ValueError(f"{text!r} is no size: at least one byte.")
    return count


def written_bytes(count: int) -> str:
    """A size as a study file has it, which `parse_bytes` reads back to three digits.

    >>> written_bytes(8_000_000_000), written_bytes(1_610_612_736), written_bytes(180)
    ('8 GB', '1.61 GB', '180 B')
    """
    for unit in ("TB", "GB", "MB", "kB"):
        if count >= UNITS[unit]:
            return f"{count / UNITS[unit]:.3g} {unit}"
    return f"{count} B"


@dataclass(frozen=True)
class Budget:
    """What a study may take: seconds on the clock, or so many trainings of each contender.

    Of those the first stands for its search.
    """

    seconds: float | None = None
    trials: float | None = None


def parse_budget(text: str) -> Budget:
    """A budget in minutes, hours or trials of each contender; capitals do not matter.

    Raises:
        ValueError: it is none; the text says what one looks like.

    >>> parse_budget("30 min"), parse_budget("1.5h").seconds, parse_budget("3 trials").trials
    (Budget(seconds=1800.0, trials=None), 5400.0, 3.0)
    """
    found = _AMOUNT.fullmatch(text)
    unit = found["unit"].lower() if found else ""
    number = float(found["number"]) if found else 0.0
    if number > 0 and unit in _TIMES:
        return Budget(seconds=number * _TIMES[unit])
    if number >= 1 and unit in _TRIALS:
        return Budget(trials=number)
    raise ValueError(f"{text!r} is no budget: {A_BUDGET}")


def written_budget(seconds: float) -> str:
    """The least budget in whole minutes, from two hours on in whole hours, that holds so much.

    >>> written_budget(600), written_budget(601), written_budget(7201)
    ('10 min', '11 min', '3 h')
    """
    if seconds <= 2 * _HOUR:
        return f"{math.ceil(seconds / _MINUTE)} min"
    return f"{math.ceil(seconds / _HOUR)} h"


A_BUDGET = "minutes, hours or trials of each contender, such as 30 min, 2 h or 3 trials."
