"""Shares of right answers of which only the counts are known: no item can be paired."""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy import special

from tunewise.statistics.intervals import Interval, wilson


class Proportions(NamedTuple):
    """``first - second`` as fractions, its interval, and the two-sided p-value."""

    difference: float
    interval: Interval
    p: float


def two_proportions(
    right: int, items: int, other_right: int, other_items: int, *, level: float = 0.95
) -> Proportions:
    """Compare two shares as if they came from independent items.

    The test is the score test with the pooled share, the interval Newcombe's, built from the
    two Wilson intervals. Where both answered the same items and tend to be right on the same
    ones, a paired test would see smaller differences; this one is then too cautious.

    Args:
        right: right answers of the first.
        items: answers of the first.
        other_right: right answers of the second.
        other_items: answers of the second.
        level: coverage as a fraction in (0, 1).

    Sources: Pearson 1900 (the test); Newcombe 1998, Stat. Med. 17:873, method 10.

    >>> found = two_proportions(56, 70, 48, 80)
    >>> round(found.difference, 2), [round(end, 4) for end in found.interval], round(found.p, 4)
    (0.2, [0.0524, 0.3339], 0.008)
    """
    first, second = right / items, other_right / other_items
    low, high = wilson(right, items, level=level)
    other_low, other_high = wilson(other_right, other_items, level=level)
    difference = first - second
    interval = Interval(
        difference - math.hypot(first - low, other_high - second),
        difference + math.hypot(high - first, second - other_low),
    )
    pooled = (right + other_right) / (items + other_items)
    variance = pooled * (1 - pooled) * (1 / items + 1 / other_items)
    p = 1.0 if variance == 0 else 2 * float(special.ndtr(-abs(difference) / math.sqrt(variance)))
    return Proportions(difference, interval, p)
