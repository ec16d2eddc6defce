"""Where a function of one number is zero. SciPy's own takes longer to import than to use here."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

STEPS = 100  # each at least halves the bracket, and most do far more
CLOSE = 4e-16  # of the larger end: the next numbers a float can hold


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return the zero of a continuous function between two points where its signs differ.

    Raises:
        ValueError: the signs are the same.

    Source: Ridders 1979, IEEE Trans. Circuits Syst. 26:979.

    >>> root(lambda x: x * x - 2, 0.0, 2.0)
    1.4142135623730951
    """
    at_low, at_high = function(low), function(high)
    if at_low * at_high > 0:
        raise ValueError(f"no change of sign between {low} and {high}: {at_low}, {at_high}")
    if at_low == 0 or at_high == 0:
        return low if at_low == 0 else high
    for _ in range(STEPS):
        middle = (low + high) / 2
        at_middle = function(middle)
        step = (middle - low) * at_middle / math.sqrt(at_middle**2 - at_low * at_high)
        found = middle + math.copysign(1.0, at_low) * step
        at_found = function(found)
        if at_found == 0:
            return found
        points = sorted([(low, at_low), (middle, at_middle), (found, at_found), (high, at_high)])
        (low, at_low), (high, at_high) = next(
            (left, right)
            for left, right in itertools.pairwise(points)
            if (left[1] < 0) != (right[1] < 0)
        )
        if high - low <= CLOSE * max(abs(low), abs(high)):
            break
    return low if abs(at_low) < abs(at_high) else high
