"""What one setting changes, over all rows that differ in it alone.

Eight rows may be four ranks on two kinds of targets. The effect of a rank is then the mean of two
differences, each between rows with the same targets; the effect of the targets is the mean of
four. A mean of differences is a linear combination of the rows' scores like any single
difference, so examples and seeds enter it in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tunewise.statistics.combine import method_mean
from tunewise.statistics.corrections import holm
from tunewise.statistics.intervals import Interval
from tunewise.statistics.metrics import FloatArray
from tunewise.statistics.moderation import spread_of
from tunewise.statistics.score_matrix import RowScores, SharedExamples


@dataclass(frozen=True)
class Effect:
    """The mean of ``row - other`` over matched pairs, in the unit of the metric.

    `examples` is its interval over examples, for these trained models; `method` that over examples
    and seeds, to which `p` belongs. Where the latter is unknown, `reason` says why.
    """

    pairs: int
    difference: float
    items: Interval | None
    method: Interval | None = None
    p: float | None = None
    p_adjusted: float | None = None
    reason: str | None = None


def mean_effect(
    pairs: Sequence[tuple[RowScores, RowScores]], group: SharedExamples, *, level: float = 0.95
) -> Effect:
    """The effect of what the first of each pair has and the second has not.

    Args:
        pairs: rows of `group`, each pair alike in everything but the one setting.
        group: all rows over the same examples.
        level: coverage of the intervals.

    Raises:
        ValueError: there is no pair.
    """
    if not pairs:
        raise ValueError("an effect needs at least one pair of rows")
    mix: FloatArray = np.mean(
        [group.mean_of(row) - group.mean_of(other) for row, other in pairs], axis=0
    )
    found = Effect(len(pairs), group.drawn.mixed(mix), group.drawn.interval(mix, level=level))
    rows = [row for pair in pairs for row in pair]
    seeds = {tuple(row.seeds) for row in rows}
    if len(seeds) > 1:
        return replace(found, reason="the rows ran with different seeds")
    if any(not row.seeded for row in rows) or len(rows[0].seeds) < 2:
        return replace(found, reason="one seed: not testable beyond these checkpoints")
    # One column a run; a row of weights a seed: what that seed says the effect is.
    weights = np.zeros((len(rows[0].seeds), len(mix)))
    for row, other in pairs:
        for sign, one in ((1.0, row), (-1.0, other)):
            weights[np.arange(len(weights)), group.runs(one)] += sign / len(pairs)
    runs = np.flatnonzero(weights.any(axis=0))
    covariance = weights[:, runs] @ group.drawn.covariance(runs) @ weights[:, runs].T
    by_seed = weights[:, runs] @ group.drawn.values[runs]
    joined = method_mean(by_seed, covariance, spread=spread_of(by_seed))
    return replace(found, method=joined.interval(level), p=joined.p_two_sided())


def corrected(effects: Sequence[Effect]) -> list[Effect]:
    """The same with Holm's p values over all that could be tested."""
    tested = [effect.p for effect in effects if effect.p is not None]
    adjusted = iter(holm(tested).tolist() if tested else [])
    return [
        effect if effect.p is None else replace(effect, p_adjusted=next(adjusted))
        for effect in effects
    ]
