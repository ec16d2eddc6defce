"""Drawing examples anew: bootstrap and jackknife of several runs over the same examples at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, starmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewise.statistics.intervals import Interval, bca, percentile
from tunewise.statistics.metrics import Columns, FloatArray, Metric, classes_in

RESAMPLES = 10_000
BLOCK = 2_000_000  # weights held at once, 16 MB
LEAST_DEFINED = 0.95  # fraction of the replicates that must have a score


@dataclass(frozen=True)
class Resampled:
    """Scores of several runs under one and the same redrawing of their common examples.

    Shapes:
        values      (runs,)
        replicates  (runs, resamples)
        jackknife   (runs, patterns)   the scores without one example of that pattern
        counts      (patterns,)        how many examples share the pattern
    """

    values: FloatArray
    replicates: FloatArray
    jackknife: FloatArray
    counts: FloatArray
    is_mean: bool

    def mixed(self, mix: FloatArray) -> float:
        """A linear combination of the runs' scores; runs of weight zero do not matter.

        Summed exactly: in which order a processor sums must not decide whether equals differ.
        """
        runs = np.flatnonzero(mix)
        return math.fsum(mix[runs] * self.values[runs])

    def interval(self, mix: FloatArray, *, level: float = 0.95) -> Interval | None:
        """BCa interval of a linear combination of the runs' scores, such as a difference.

        None where the score was undefined in more than one replicate in twenty.
        """
        runs = np.flatnonzero(mix)  # another run's undefined score must not spread
        replicates = mix[runs] @ self.replicates[runs]
        defined = np.isfinite(replicates)
        if defined.mean() < LEAST_DEFINED:
            return None
        value, jackknife = self.mixed(mix), mix[runs] @ self.jackknife[runs]
        if not np.isfinite(jackknife).all():
            return percentile(replicates[defined], level=level)
        return bca(value, replicates[defined], jackknife, counts=self.counts, level=level)

    def covariance(self, runs: NDArray[np.intp]) -> FloatArray:
        """Covariance of the scores of some runs over the draw of examples, shape (runs, runs).

        For means it is known in closed form, so no simulation noise enters.
        """
        if not self.is_mean:
            replicates = self.replicates[runs]
            return np.atleast_2d(np.cov(replicates[:, np.isfinite(replicates).all(axis=0)]))
        return self._covariance[np.ix_(runs, runs)]

    @cached_property
    def _covariance(self) -> FloatArray:
        """Of all runs: any two of them are asked for again and again."""
        examples = self.counts.sum()
        apart = self.jackknife - np.average(self.jackknife, axis=1, weights=self.counts)[:, None]
        return (apart * self.counts) @ apart.T * (examples - 1) / examples


def resample(
    metric: Metric,
    runs: Sequence[Columns],
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Resampled:
    """Bootstrap `runs` over their examples: each draw takes the same examples from every run.

    Examples on which all runs behave alike are counted, not repeated: a draw is a multinomial
    over those patterns, which is the same draw and far cheaper.

    Raises:
        ValueError: the runs differ in their number of examples.
    """
    if len({len(run.labels) for run in runs}) != 1:
        raise ValueError("runs can be resampled together only over the same examples")
    table, columns = _table(metric, runs)
    patterns, counts = _patterns(table)
    replicates = np.empty((len(runs), resamples))
    # Small whole numbers add up exactly in half the memory and time.
    exact = patterns.dtype == np.uint8 and int(patterns.max()) * counts.sum() < 2**24
    factors = patterns.astype(np.float32 if exact else np.float64)
    examples, block = int(counts.sum()), max(1, BLOCK // len(counts))  # blocks fit in memory
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        weights = rng.multinomial(examples, counts / examples, size=size).astype(factors.dtype)
        sums = (weights @ factors).astype(np.float64)  # of all runs at once
        for run, own in enumerate(columns):
            replicates[run, start : start + size] = metric.from_sums(sums[:, own])
    totals = [counts @ patterns[:, own] for own in columns]
    values = np.array([float(metric.from_sums(total)) for total in totals])
    with np.errstate(invalid="ignore"):  # a single example: nothing is left without it
        left = zip(totals, columns, strict=True)
        jackknife = np.stack([metric.from_sums(total - patterns[:, own]) for total, own in left])
    return Resampled(values, replicates, jackknife, counts, metric.is_mean)


def _table(metric: Metric, runs: Sequence[Columns]) -> tuple[NDArray[Any], list[Any]]:
    """The features of all runs side by side, (examples, columns), and the columns of each run.

    Where they count, a number takes a byte, and what runs share, such as the right labels,
    stands there once.
    """
    classes = classes_in(*runs)
    place: dict[bytes, int] = {}
    distinct: list[NDArray[np.uint8]] = []
    columns: list[list[int]] = []
    for run in runs:
        features = metric.features(run, classes)
        counts = features.astype(np.uint8)
        if not np.array_equal(counts, features):
            break
        columns.append([])
        for column in np.ascontiguousarray(counts.T):
            number = place.setdefault(column.tobytes(), len(distinct))
            if number == len(distinct):
                distinct.append(column)
            columns[-1].append(number)
    else:
        return np.stack(distinct, axis=1), columns
    all_features = [metric.features(run, classes) for run in runs]
    ends = np.cumsum([0, *(part.shape[1] for part in all_features)]).tolist()
    return np.concatenate(all_features, axis=1), list(starmap(slice, pairwise(ends)))


def _patterns(table: NDArray[Any]) -> tuple[NDArray[Any], FloatArray]:
    """The different rows in ascending order, and how often each occurs."""
    if table.dtype != np.uint8:
        patterns, examples = np.unique(table, axis=0, return_counts=True)
        return patterns, examples.astype(np.float64)
    rows = table.view(np.dtype((np.void, table.shape[1]))).ravel()  # bytes sort as their numbers do
    _, first, examples = np.unique(rows, return_index=True, return_counts=True)
    return table[first], examples.astype(np.float64)


def bootstrap(
    metric: Metric,
    run: Columns,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval | None:
    """BCa interval of any metric of one run over its examples."""
    drawn = resample(metric, [run], rng=rng, resamples=resamples)
    return drawn.interval(np.ones(1), level=level)


def paired_bootstrap(
    metric: Metric,
    ours: Columns,
    theirs: Columns,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval | None:
    """BCa interval of ``metric(ours) - metric(theirs)`` on the same examples in the same order.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 14.
    """
    drawn = resample(metric, [ours, theirs], rng=rng, resamples=resamples)
    return drawn.interval(np.array([1.0, -1.0]), level=level)
