"""Sizes as people write them."""

from __future__ import annotations

import re

UNITS = {
    "B": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("kMGT", start=1)},
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", start=1)},
}
_SIZE = re.compile(r"\s*(?P<number>\d+(\.\d+)?)\s*(?P<unit>[A-Za-z]+)\s*")


def parse_bytes(text: str) -> int:
    """A size in bytes. `GB` is a thousand million, `GiB` is 2**30; capitals do not matter.

    Raises:
        ValueError: it is no size; the text says what one looks like.

    >>> parse_bytes("8 GB"), parse_bytes("1.5GiB"), parse_bytes("512 mb")
    (8000000000, 1610612736, 512000000)
    """
    found = _SIZE.fullmatch(text)
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
