"""What one attention head can do to its values: copy one, take one out of two, average two.

The letters are those of ``attention``. Keys are orthonormal where a function says so.
"""

from __future__ import annotations

import math

import numpy as np

from tunewise.foundations.attention import Array


def copying_margin(n: int, *, outside: float) -> float:
    """By how much the best score must lead so that at most ``outside`` weight lies elsewhere.

    With scores ``s_i = k_i . q / sqrt(h)`` and ``s_j - s_i >= m`` for all others,
    ``1 - a_j <= (n-1) / (e^m + n - 1)``, with equality where all others score the same.
    The right side is ``outside`` at ``m = ln((n-1) (1 - outside) / outside)``.

    >>> round(copying_margin(4, outside=0.001), 3)
    8.005
    """
    _check(n, 1, outside)
    if n == 1:  # no other key: all weight is on this one
        return 0.0
    return math.log((n - 1) * (1 - outside) / outside)


def extraction(A: Array) -> Array:
    """The matrix ``M`` that recovers v_a from the average ``(v_a + v_b) / 2``.

    ``A`` (d, p) holds a basis of the subspace of v_a in its columns; v_b is orthogonal to it.
    ``M = 2 A (A'A)^-1 A'``, shape (d, d): the projection onto the subspace, times two because
    the average holds only half of v_a. For orthonormal columns it is ``2 A A'``.
    """
    return 2 * A @ np.linalg.solve(A.T @ A, A.T)


def averaging_query(k_a: Array, k_b: Array, c: float) -> Array:
    """A query that looks at two keys alike: ``c (k_a + k_b)``. How sharply is up to ``c``."""
    return c * (k_a + k_b)


def outside_weight(c: float, *, n: int, h: int) -> float:
    """The weight that ``c (k_a + k_b)`` leaves on the other keys, for n orthonormal keys.

    The scores are ``c / sqrt(h)`` twice and zero n - 2 times, so it is
    ``(n-2) / (2 exp(c / sqrt(h)) + n - 2)``.

    >>> round(outside_weight(0.5, n=4, h=4), 3)
    0.438
    """
    return (n - 2) / (2 * math.exp(c / math.sqrt(h)) + n - 2)


def sharpness(*, n: int, h: int, outside: float) -> float:
    """The ``c`` from which on ``outside_weight`` is at most ``outside``.

    ``c = sqrt(h) ln((1/outside - 1) (n-2) / 2)``; zero where even c = 0 is sharp enough.

    >>> round(sharpness(n=4, h=4, outside=1e-3), 2)
    13.81
    """
    _check(n, 2, outside)
    if n == 2:  # no other key, nothing to suppress
        return 0.0
    return max(0.0, math.sqrt(h) * math.log((1 / outside - 1) * (n - 2) / 2))


def _check(n: int, least: int, outside: float) -> None:
    if n < least:
        raise ValueError(f"n = {n}: at least {least} keys")
    if not 0 < outside < 1:
        raise ValueError(f"outside = {outside}: a fraction between 0 and 1")
