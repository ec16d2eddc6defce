"""The largest number that still fits."""

from __future__ import annotations

from collections.abc import Callable


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
