"""Scores of runs against scores of runs: sign flips and the probability of improvement."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from tunewise.statistics.intervals import Interval, normal_quantile
from tunewise.statistics.metrics import FloatArray
from tunewise.statistics.roots import root

MOST_EXACT = 20  # paired seeds whose sign patterns are all counted: a million
FEW = 8  # runs of either method up to which all orders without ties are counted


class PairedTest(NamedTuple):
    """A statistic of paired differences and its two-sided p value."""

    statistic: float
    p: float


class Improvement(NamedTuple):
    """The chance that a run of one method scores higher than a run of another.

    It is called meaningful where p is below alpha, the interval lies above one half, and the
    estimate above 0.75.
    """

    probability: float
    interval: Interval
    p: float
    meaningful: bool


def sign_flip(differences: ArrayLike) -> PairedTest:
    """Exact test that each paired difference could as well have the other sign.

    The statistic is the mean difference. With n pairs no p-value is below ``2 / 2^n``.

    Raises:
        ValueError: no pair, or more than twenty.

    Source: Fisher 1935, The Design of Experiments, section 21.

    >>> sign_flip([1.0, 2.0, 3.0])
    PairedTest(statistic=2.0, p=0.25)
    """
    d = _paired(differences, least=1)
    if d.size > MOST_EXACT:
        raise ValueError(f"{d.size} pairs: all sign patterns are counted up to {MOST_EXACT}")
    sums = np.zeros(1)
    for one in d:
        sums = np.concatenate([sums + one, sums - one])
    least = abs(d.sum()) - 1e-12 * np.abs(d).sum()  # sums differ in their last bits
    return PairedTest(float(d.mean()), float(np.mean(np.abs(sums) >= least)))


def probability_of_improvement(
    ours: ArrayLike, theirs: ArrayLike, *, level: float = 0.95
) -> Improvement:
    """P(a run of ours > a run of theirs), ties counting half.

    Seeds are too few for a bootstrap, so the interval is a score interval, which also holds
    for samples that do not overlap at all; p is from Mann and Whitney's U, exact where there
    are no ties.

    Args:
        ours: scores, one per run, higher is better.
        theirs: scores of the other method; neither the number nor the order has to match.
        level: coverage as a fraction in (0, 1).

    Sources: Bouthillier et al. 2021, arXiv:2103.03098 (the 0.75); Newcombe 2006, Stat. Med.
    25:559, method 5 (the interval).

    >>> probability_of_improvement([19, 22, 16, 29, 24], [20, 11, 17, 12]).probability
    0.85
    """
    a, b = _paired(ours, least=1), _paired(theirs, least=1)
    wins = float(np.sign(a[:, None] - b).sum() + a.size * b.size) / 2
    fraction = wins / (a.size * b.size)
    interval = _newcombe(fraction, a.size, b.size, level)
    p = _mann_whitney(wins, a, b)
    shown = p < 1 - level and interval.low > 0.5 and fraction > 0.75
    return Improvement(fraction, interval, p, shown)


def _mann_whitney(wins: float, a: FloatArray, b: FloatArray) -> float:
    """Two-sided p of the pairs in which `a` is ahead: all orders counted, or the normal limit.

    As `scipy.stats.mannwhitneyu`, which takes a second to load. Sources: Mann and Whitney 1947,
    Ann. Math. Stat. 18:50; the correction for ties: Hollander and Wolfe 1999, section 4.1.
    """
    further = max(wins, a.size * b.size - wins)
    _, ties = np.unique(np.concatenate([a, b]), return_counts=True)
    if min(a.size, b.size) <= FEW and ties.max() == 1:
        orders = _orders(a.size, b.size)
        return min(1.0, float(2 * orders[round(further) :].sum() / orders.sum()))
    runs = a.size + b.size
    tied = float((ties**3 - ties).sum()) / (runs * (runs - 1))
    deviation = math.sqrt(a.size * b.size / 12 * (runs + 1 - tied))
    if deviation == 0:  # all runs score the same
        return 1.0
    return min(1.0, float(2 * special.ndtr((a.size * b.size / 2 + 0.5 - further) / deviation)))


def _orders(n: int, m: int) -> FloatArray:
    """In how many orders of n and m runs the n are ahead in 0 to ``n m`` pairs.

    The coefficients of the Gaussian binomial ``prod (1 - q^(m + i)) / (1 - q^i)``, i from 1 to n.
    """
    ways = np.zeros(n * m + 1)
    ways[0] = 1
    for i in range(1, n + 1):
        ways[m + i :] -= ways[: -(m + i)].copy()
        for start in range(min(i, ways.size)):
            ways[start::i] = ways[start::i].cumsum()
    return ways


def _newcombe(fraction: float, n: int, m: int, level: float) -> Interval:
    z = normal_quantile(level)
    more = (n + m) / 2 - 1

    def beyond(theta: float) -> float:
        shape = (1 - theta) / (2 - theta) + theta / (1 + theta)
        return (fraction - theta) ** 2 - z**2 * theta * (1 - theta) * (1 + more * shape) / (n * m)

    # Zero and one are roots of their own; a perfect fraction has its bound below them.
    inner = min(max(fraction, 1e-12), 1 - 1e-12)
    low = 0.0 if fraction == 0 else root(beyond, 0.0, inner)
    high = 1.0 if fraction == 1 else root(beyond, inner, 1.0)
    return Interval(low, high)


def _paired(values: ArrayLike, *, least: int) -> FloatArray:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size < least or not np.isfinite(x).all():
        raise ValueError(f"at least {least} finite numbers in a list are needed, not {values!r}")
    return x
