"""Where a number may lie: Wilson, Student's t, and bootstrap intervals."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from tunewise.statistics.metrics import FloatArray

ROUNDING = 1e-10  # of a score: how far sums in another order may lie apart


class Interval(NamedTuple):
    """From `low` to `high`, both in the unit of the score."""

    low: float
    high: float

    def within(self, lowest: float, highest: float) -> Interval:
        """The part of the interval that the score can reach at all."""
        return Interval(max(self.low, lowest), min(self.high, highest))

    def and_independent(self, other: Interval) -> Interval:
        """Around the same middle, with what another source of doubt adds to the width.

        >>> Interval(-0.03, 0.03).and_independent(Interval(-0.04, 0.04))
        Interval(low=-0.05, high=0.05)
        """
        middle = (self.low + self.high) / 2
        half = math.hypot(self.high - self.low, other.high - other.low) / 2
        return Interval(middle - half, middle + half)

    def turned(self) -> Interval:
        """Of a difference: that of the second minus the first.

        >>> Interval(-0.01, 0.03).turned()
        Interval(low=-0.03, high=0.01)
        """
        return Interval(-self.high, -self.low)


def normal_quantile(level: float) -> float:
    """The z that leaves ``(1 - level) / 2`` above it.

    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    return float(special.ndtri((1 + check_level(level)) / 2))


def student_quantile(level: float, df: float) -> float:
    """The t that leaves ``(1 - level) / 2`` above it, for `df` degrees of freedom.

    >>> round(student_quantile(0.95, df=2), 2)  # three seeds
    4.3
    """
    return float(special.stdtrit(df, (1 + check_level(level)) / 2))


def wilson(right: float, examples: float, *, level: float = 0.95) -> Interval:
    """Interval for a proportion, sound also near 0 and 1.

    Args:
        right: number of right answers.
        examples: number of answers. Neither has to be whole: where an example was answered by
            several runs, `examples` is the effective number of answers.
        level: coverage as a fraction in (0, 1).

    Raises:
        ValueError: there is no example, or more right answers than examples.

    Source: Wilson 1927, J. Am. Stat. Assoc. 22:209; Brown, Cai and DasGupta 2001.

    >>> wilson(81, 263)
    Interval(low=0.255288..., high=0.366209...)
    >>> wilson(0, 7).low, wilson(7, 7).high
    (0.0, 1.0)
    """
    if not (examples > 0 and 0 <= right <= examples):
        raise ValueError(f"{right} right of {examples}: there must be 0 <= right <= examples > 0")
    z2 = normal_quantile(level) ** 2
    fraction = right / examples
    centre = (fraction + z2 / (2 * examples)) / (1 + z2 / examples)
    half = math.sqrt(z2 * (fraction * (1 - fraction) + z2 / (4 * examples)) / examples) / (
        1 + z2 / examples
    )
    # Where none or all are right one end is exact; computed, it would be off by rounding.
    low = max(0.0, centre - half) if right > 0 else 0.0
    return Interval(low, min(1.0, centre + half) if right < examples else 1.0)


def none_differs(examples: int, *, level: float = 0.95) -> Interval:
    """Interval of a difference in the fraction of right answers when no example showed one.

    Had a fraction d of all examples a difference, n of them would show none with chance
    ``(1 - d) ^ n``; the interval holds every d for which that is likely enough.

    >>> none_differs(100)
    Interval(low=-0.036216..., high=0.036216...)
    """
    bound = 1 - ((1 - check_level(level)) / 2) ** (1 / examples)
    return Interval(-bound, bound)


def student_t(scores: ArrayLike, *, level: float = 0.95) -> Interval | None:
    """Interval for the mean of independent scores, one per seed; None for fewer than two.

    >>> student_t([0.80, 0.82, 0.84])
    Interval(low=0.770317..., high=0.869682...)
    """
    x = np.asarray(scores, dtype=np.float64)
    if x.size < 2:
        return None
    half = student_quantile(level, x.size - 1) * float(x.std(ddof=1)) / math.sqrt(x.size)
    return Interval(float(x.mean()) - half, float(x.mean()) + half)


def percentile(replicates: FloatArray, *, level: float = 0.95) -> Interval:
    """The middle part of bootstrap replicates, shape (resamples,)."""
    tail = (1 - check_level(level)) / 2
    low, high = np.quantile(replicates, [tail, 1 - tail])
    return Interval(float(low), float(high))


def bca(
    value: float,
    replicates: FloatArray,
    jackknife: FloatArray,
    *,
    counts: FloatArray | None = None,
    level: float = 0.95,
) -> Interval:
    """Bootstrap interval corrected for bias and for a spread that depends on the value.

    Args:
        value: the score of the examples as they are.
        replicates: the score of resampled examples, shape (resamples,).
        jackknife: the score with one example left out, shape (patterns,).
        counts: how many examples each entry of `jackknife` stands for; one each if not given.
        level: coverage as a fraction in (0, 1).

    Source: Efron 1987, J. Am. Stat. Assoc. 82:171. Replicates equal to the value count half
    below it, as in `scipy.stats.bootstrap`; what differs by the rounding of sums, which is another
    on every processor, is equal.
    """
    beyond = replicates - value
    equal = np.abs(beyond) <= ROUNDING * max(abs(value), float(np.abs(replicates).max()))
    below = float(np.mean((beyond < 0) & ~equal) + np.mean(equal) / 2)
    if not 0 < below < 1:
        return percentile(replicates, level=level)
    bias = special.ndtri(below)
    weights = np.ones_like(jackknife) if counts is None else counts
    pulls = np.average(jackknife, weights=weights) - jackknife
    spread = float((weights * pulls**2).sum())
    skew = float((weights * pulls**3).sum())
    acceleration = skew / (6 * spread**1.5) if spread > 0 else 0.0
    z = bias + normal_quantile(level) * np.array([-1.0, 1.0])
    low, high = np.quantile(replicates, special.ndtr(bias + z / (1 - acceleration * z)))
    return Interval(float(low), float(high))


def check_level(level: float) -> float:
    """The level itself; one that is no fraction (95 instead of 0.95) is a ValueError."""
    if not 0 < level < 1:
        raise ValueError(f"level = {level}: a coverage is a fraction between 0 and 1, such as 0.95")
    return level
