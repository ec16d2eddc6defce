"""One row by itself: mean, spread over seeds, and where its score may lie."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from tunewise.statistics.combine import method_mean
from tunewise.statistics.intervals import Interval, wilson
from tunewise.statistics.metrics import FloatArray, Metric
from tunewise.statistics.score_matrix import RowScores, SharedExamples


@dataclass(frozen=True)
class Row:
    """The score of one contender.

    `scores` has one entry per seed, None where the score is undefined; `mean` is None as soon
    as one is. `spread` is the standard deviation over seeds, None for a single one.
    `items_interval` is about these trained models and other examples; `method_interval` about
    other seeds as well. Where an interval is None, the field beside it says why.
    """

    name: str
    items: int
    seeded: bool
    scores: dict[int, float | None]
    mean: float | None
    spread: float | None
    items_interval: Interval | None
    items_reason: str | None
    method_interval: Interval | None
    method_reason: str | None


def mean_known(values: Iterable[float | None]) -> float | None:
    """The mean of the values that are known; None where none is.

    >>> mean_known([1.0, None, 0.5]), mean_known([None])
    (0.75, None)
    """
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def summarize(row: RowScores, group: SharedExamples, metric: Metric, *, level: float) -> Row:
    """Mean, spread and both intervals of one row."""
    values = group.scores(row)
    scores = {
        seed: float(value) if np.isfinite(value) else None
        for seed, value in zip(row.seeds, values, strict=True)
    }
    spread = float(values.std(ddof=1)) if len(values) > 1 and np.isfinite(values).all() else None
    if None in scores.values():
        seeds = [seed for seed, score in scores.items() if score is None]
        reason = f"{metric.name} is undefined on these answers (seeds {seeds})"
        return Row(
            row.name, group.items, row.seeded, scores, None, None, None, reason, None, reason
        )
    examples, items_reason = _examples_interval(row, group, metric, level)
    method, method_reason = _method_interval(row, group, metric, level)
    return Row(
        row.name,
        group.items,
        row.seeded,
        scores,
        float(values.mean()),
        spread,
        examples,
        items_reason,
        method,
        method_reason,
    )


def why_no_method_claim(row: RowScores) -> str | None:
    """What keeps us from speaking about the method rather than about its trained models."""
    if row.seeded and len(row.seeds) < 2:
        return f"'{row.name}' has one seed: not testable beyond these checkpoints"
    return None


def _examples_interval(
    row: RowScores, group: SharedExamples, metric: Metric, level: float
) -> tuple[Interval | None, str | None]:
    if metric.kind == "proportion":
        mean = float(group.scores(row).mean())
        answers = effective_answers(mean, group.covariance(row), group.items)
        return wilson(mean * answers, answers, level=level), None
    interval = group.drawn.interval(group.mean_of(row), level=level)
    if interval is None:
        return None, f"{metric.name} is undefined in many resamples: too few examples of a class"
    return interval.within(metric.lowest, metric.highest), None


def effective_answers(mean: float, covariance: FloatArray, examples: int) -> float:
    """How many independent answers are worth as much as several runs over the same examples.

    One run over n examples is worth n answers. More runs are worth more, up to n times their
    number where they err independently: ``p (1 - p) / variance of the mean``.

    Source: Korn and Graubard 1998, Survey Methodology 24:193 (effective sample size).
    """
    runs = len(covariance)
    variance = float(covariance.mean()) * (examples - 1) / examples  # of the mean, without n - 1
    if runs == 1 or not 0 < mean < 1:
        return float(examples)
    if variance <= 0:
        return float(examples * runs)
    return min(max(mean * (1 - mean) / variance, examples), examples * runs)


def _method_interval(
    row: RowScores, group: SharedExamples, metric: Metric, level: float
) -> tuple[Interval | None, str | None]:
    reason = why_no_method_claim(row)
    if reason is not None:
        return None, reason
    spread = group.spreads.of(row.name) if row.seeded else None
    joined = method_mean(group.scores(row), group.covariance(row), spread=spread)
    if not row.seeded or joined.standard_error == 0:
        # One run tells all, or every run was right (or wrong) throughout: Wilson knows better.
        return _examples_interval(row, group, metric, level)
    return joined.interval(level).within(metric.lowest, metric.highest), None
