"""Whether a difference over the same examples is more than its noise: a rule, not a test."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

NOISE = 1.0  # standard errors of the mean difference


def is_lower(ours: ArrayLike, theirs: ArrayLike, *, errors: float = NOISE) -> bool:
    """Whether the mean of ours is lower by more than its noise.

    Args:
        ours: a loss for each example, shape (examples,).
        theirs: of the same examples in the same order.
        errors: standard errors of the paired difference that count as noise.

    >>> is_lower([1.0, 1.0, 1.1], [2.0, 2.1, 2.0]), is_lower([1.0, 2.0], [2.0, 1.1])
    (True, False)
    """
    difference = np.asarray(theirs, dtype=float) - np.asarray(ours, dtype=float)
    error = difference.std(ddof=1) / math.sqrt(len(difference)) if len(difference) > 1 else 0.0
    return bool(difference.mean() > errors * error)


def is_higher(ours: ArrayLike, theirs: ArrayLike, *, errors: float = NOISE) -> bool:
    """Whether the mean of our scores is higher by more than its noise."""
    return is_lower(theirs, ours, errors=errors)
