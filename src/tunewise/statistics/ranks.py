"""Several methods over several data sets: who ranks above whom.

Source: Demsar 2006, JMLR 7:1, section 3.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from tunewise.core.lazy import Later

if TYPE_CHECKING:
    from scipy import stats
else:
    stats = Later("scipy.stats")  # it takes a second to load, and few reports need it


@dataclass(frozen=True)
class Ranking:
    """Average ranks (1 is best) and whether they differ more than chance would have it.

    `f` is Iman and Davenport's statistic, infinite where every data set agrees. Two methods
    differ where their average ranks are more than `critical_difference` apart (Nemenyi).
    """

    average_ranks: tuple[float, ...]
    datasets: int
    chi2: float
    f: float
    p: float
    critical_difference: float


def friedman(scores: ArrayLike, *, higher_is_better: bool = True, alpha: float = 0.05) -> Ranking:
    """Rank methods on every data set and test whether the average ranks differ.

    Args:
        scores: shape (datasets, methods); ties share their ranks.
        higher_is_better: whether the highest score gets rank 1.
        alpha: level of the critical difference.

    Raises:
        ValueError: fewer than two data sets or two methods, or a score that is not finite.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2 or not np.isfinite(table).all():
        raise ValueError("at least two data sets by two methods of finite scores are needed")
    ranks = stats.rankdata(-table if higher_is_better else table, axis=1)
    n, k = ranks.shape
    average, middle = ranks.mean(axis=0), (k + 1) / 2
    within = float((ranks**2).sum()) - n * k * middle**2  # n k (k^2 - 1) / 12 without ties
    between = n**2 * float(((average - middle) ** 2).sum())
    chi2 = (k - 1) * between / within if within > 0 else 0.0
    left = n * (k - 1) - chi2
    f = (n - 1) * chi2 / left if left > 1e-9 else math.inf
    p = float(special.fdtrc(k - 1, (k - 1) * (n - 1), f)) if math.isfinite(f) else 0.0
    return Ranking(tuple(average.tolist()), n, chi2, f, p, nemenyi_difference(k, n, alpha=alpha))


def nemenyi_difference(methods: int, datasets: int, *, alpha: float = 0.05) -> float:
    """How far apart two average ranks must be: ``q sqrt(k (k + 1) / (6 N))``.

    >>> round(nemenyi_difference(4, 14), 4)
    1.2536
    """
    q = float(stats.studentized_range.ppf(1 - alpha, methods, np.inf)) / math.sqrt(2)
    return q * math.sqrt(methods * (methods + 1) / (6 * datasets))
