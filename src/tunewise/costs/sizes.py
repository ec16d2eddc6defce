"""Sizes in bytes: read from what people write, written for people to read."""

from __future__ import annotations

import re
from collections.abc import Callable

from tunewise.core.errors import InputError

UNITS = {
    "B": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("KMGT", start=1)},
    **{f"{letter}IB": 1024**power for power, letter in enumerate("KMGT", start=1)},
}
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?i?B)", re.IGNORECASE)


def bytes_of(text: str) -> int:
    """What a size means; GB are powers of 1000, GiB of 1024.

    Raises:
        InputError: it is no size above 0.

    >>> bytes_of("8 GB"), bytes_of("1.5GiB")
    (8000000000, 1610612736)
    """
    match = SIZE.fullmatch(text.strip())
    size = int(float(match[1]) * UNITS[match[2].upper()]) if match else 0
    if size < 1:
        raise InputError(f"'{text}' is no size: a number and a unit, such as 8 GB or 600 MB.")
    return size


def size_of(size_bytes: float) -> str:
    """Bytes for a person, with two or three digits.

    >>> size_of(1_234_567_890), size_of(45_600_000), size_of(812)
    ('1.2 GB', '46 MB', '812 B')
    """
    units = ["B", "KB", "MB", "GB", "TB"]
    while size_bytes >= 999.5 and len(units) > 1:
        size_bytes /= 1000
        del units[0]
    digits = 1 if size_bytes < 9.95 and units[0] != "B" else 0
    return f"{size_bytes:.{digits}f} {units[0]}"


def largest(fits: Callable[[int], bool], most: int) -> int:
    """The largest whole number from 1 to `most` that fits, by bisection; 0 where 1 does not.

    What fits a number must fit all below it.

    >>> largest(lambda number: number * number < 200, most=64)
    14
    """
    if fits(most):
        return most
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            low = middle
        else:
            high = middle
    return low
