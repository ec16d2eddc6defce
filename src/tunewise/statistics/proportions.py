"""Fractions of right answers of which only the counts are known: no example can be paired."""

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
    right: float, examples: int, other_right: float, other_examples: int, *, level: float = 0.95
) -> Proportions:
    """Compare two fractions as if they came from independent examples.

    The test is the score test with the pooled fraction, the interval Newcombe's, built from the
    two Wilson intervals. Where both answered the same examples and tend to be right on the same
    ones, a paired test would see smaller differences; this one is then too cautious.

    Args:
        right: right answers of the first.
        examples: answers of the first.
        other_right: right answers of the second.
        other_examples: answers of the second.
        level: coverage as a fraction in (0, 1).

    Sources: Pearson 1900 (the test); Newcombe 1998, Stat. Med. 17:873, method 10.

    >>> found = two_proportions(56, 70, 48, 80)
    >>> round(found.difference, 2), [round(end, 4) for end in found.interval], round(found.p, 4)
    (0.2, [0.0524, 0.3339], 0.008)
    """
    first, second = right / examples, other_right / other_examples
    low, high = wilson(right, examples, level=level)
    other_low, other_high = wilson(other_right, other_examples, level=level)
    difference = first - second
    interval = Interval(
        difference - math.hypot(first - low, other_high - second),
        difference + math.hypot(high - first, second - other_low),
    )
    pooled = (right + other_right) / (examples + other_examples)
    variance = pooled * (1 - pooled) * (1 / examples + 1 / other_examples)
    p = 1.0 if variance == 0 else 2 * float(special.ndtr(-abs(difference) / math.sqrt(variance)))
    return Proportions(difference, interval, p)
