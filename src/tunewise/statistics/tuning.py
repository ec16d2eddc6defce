"""What tuning buys: whether a point is ahead by more than chance, and the best of k to expect."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from tunewise.statistics.metrics import Columns, FloatArray, classes_in, metric_named, upward
from tunewise.statistics.paired import p_over_examples

ALPHA = 0.05
RANDOMIZATIONS = 2000  # of the choice among points, which no claim rests on


def ahead(metric: str, ours: Columns, theirs: Columns, *, rng: np.random.Generator) -> bool:
    """Whether one search point is better than another on the same examples by more than chance.

    >>> right, wrong = np.zeros(8, dtype=int), np.ones(8, dtype=int)
    >>> better, worse = Columns(right, right), Columns(right, wrong)
    >>> rng = np.random.default_rng(0)
    >>> [ahead("accuracy", *two, rng=rng) for two in ((better, worse), (worse, better))]
    [True, False]
    """
    measure, classes = metric_named(metric), classes_in(ours, theirs)
    scores = [measure.of(one) for one in (ours, theirs)]
    if scores[0] is None or scores[1] is None:
        return False
    if upward(metric, scores[0]) <= upward(metric, scores[1]):
        return False
    features = [measure.features(one, classes) for one in (ours, theirs)]
    p, _ = p_over_examples(measure, *features, rng=rng, resamples=RANDOMIZATIONS)
    return p < ALPHA


def expected_best(scores: ArrayLike, *, higher_is_better: bool = True) -> FloatArray:
    """The expected best validation score of k search points, for k from 1 to all of them.

    ``E[max of k] = sum_i v_(i) [(i / n)^k - ((i - 1) / n)^k]``, with v sorted upwards: k points
    drawn from those that were tried, each as likely as any other.

    Args:
        scores: one validation score per search point, shape (points,).
        higher_is_better: False gives the expected smallest score.

    Returns:
        Shape (points,); entry k - 1 belongs to k points.

    Raises:
        ValueError: there is no score, or one is not finite.

    Source: Dodge et al. 2019, arXiv:1909.03004.

    >>> expected_best([0.6, 0.8]).round(6).tolist()
    [0.7, 0.75]
    """
    v = np.sort(np.asarray(scores, dtype=np.float64))
    if v.ndim != 1 or v.size == 0 or not np.isfinite(v).all():
        raise ValueError(f"at least one finite score is needed, not {scores!r}")
    if not higher_is_better:
        return -expected_best(-v)
    k = np.arange(1, v.size + 1)[:, None]
    reached = (np.arange(v.size + 1) / v.size) ** k  # (k, points + 1)
    return np.diff(reached, axis=1) @ v


def expected_optimism(points: int, standard_error: float) -> float:
    """How much better than it is the best of equally good points looks, on average.

    ``SE * E[max of k standard normals]``, with
    ``E[max] = integral of x k phi(x) Phi(x)^(k-1)``. Points scored on the same examples err
    together, which makes it less: this is the most it can be.

    Args:
        points: k, from 1 up.
        standard_error: of one point's validation score, in the unit of the score.

    Source: David and Nagaraja 2003, Order Statistics, ch. 3.

    >>> round(expected_optimism(2, 1.0), 4), round(expected_optimism(3, 1.0), 4)
    (0.5642, 0.8463)
    """
    if points < 1:
        raise ValueError(f"points = {points}: at least one is needed")
    x = np.linspace(-9.0, 9.0, 20_001)
    normal = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    density = points * normal * special.ndtr(x) ** (points - 1)
    return standard_error * float(np.trapezoid(x * density, x))
