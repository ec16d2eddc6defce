"""Drawing items anew: bootstrap and jackknife of several runs over the same items at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tunewise.statistics.intervals import Interval, bca, percentile
from tunewise.statistics.metrics import Columns, Metric, Numbers, classes_in

RESAMPLES = 10_000
BLOCK = 2_000_000  # weights held at once, 16 MB
LEAST_DEFINED = 0.95  # share of the replicates that must have a score


@dataclass(frozen=True)
class Resampled:
    """Scores of several runs under one and the same redrawing of their common items.

    Shapes:
        values      (runs,)
        replicates  (runs, resamples)
        jackknife   (runs, patterns)   the scores without one item of that pattern
        counts      (patterns,)        how many items share the pattern
    """

    values: Numbers
    replicates: Numbers
    jackknife: Numbers
    counts: Numbers
    is_mean: bool

    def mixed(self, mix: Numbers) -> float:
        """A linear combination of the runs' scores; runs of weight zero do not matter."""
        runs = np.flatnonzero(mix)
        return float(mix[runs] @ self.values[runs])

    def interval(self, mix: Numbers, *, level: float = 0.95) -> Interval | None:
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

    def covariance(self, runs: NDArray[np.intp]) -> Numbers:
        """Covariance of the scores of some runs over the draw of items, shape (runs, runs).

        For means it is known in closed form, so no simulation noise enters.
        """
        if not self.is_mean:
            replicates = self.replicates[runs]
            return np.atleast_2d(np.cov(replicates[:, np.isfinite(replicates).all(axis=0)]))
        return self._covariance[np.ix_(runs, runs)]

    @cached_property
    def _covariance(self) -> Numbers:
        """Of all runs: any two of them are asked for again and again."""
        items = self.counts.sum()
        apart = self.jackknife - np.average(self.jackknife, axis=1, weights=self.counts)[:, None]
        return (apart * self.counts) @ apart.T * (items - 1) / items


def resample(
    metric: Metric,
    runs: Sequence[Columns],
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Resampled:
    """Bootstrap `runs` over their items: each draw takes the same items from every run.

    Items on which all runs behave alike are counted, not repeated: a draw is a multinomial
    over those patterns, which is the same draw and far cheaper.

    Raises:
        ValueError: the runs differ in their number of items.
    """
    if len({len(run.labels) for run in runs}) != 1:
        raise ValueError("runs can be resampled together only over the same items")
    classes = classes_in(*runs)
    features = [metric.features(run, classes) for run in runs]
    patterns, items = np.unique(np.concatenate(features, axis=1), axis=0, return_counts=True)
    counts = items.astype(np.float64)
    widths = np.cumsum([part.shape[1] for part in features])[:-1]
    parts = np.split(patterns, widths, axis=1)
    replicates = np.empty((len(runs), resamples))
    done = 0
    for weights in _draws(counts, resamples, rng):
        sums = np.split(weights @ patterns, widths, axis=1)  # one product for all runs
        for run, of_run in enumerate(sums):
            replicates[run, done : done + len(weights)] = metric.from_sums(of_run)
        done += len(weights)
    totals = [counts @ part for part in parts]
    with np.errstate(invalid="ignore"):  # a single item: nothing is left without it
        jackknife = np.stack(
            [metric.from_sums(total - part) for total, part in zip(totals, parts, strict=True)]
        )
    values = np.array([float(metric.from_sums(total)) for total in totals])
    return Resampled(values, replicates, jackknife, counts, metric.is_mean)


def _draws(counts: Numbers, resamples: int, rng: np.random.Generator) -> Iterator[Numbers]:
    """How often each pattern is drawn, shape (block, patterns), in blocks that fit in memory."""
    items = int(counts.sum())
    block = max(1, BLOCK // len(counts))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        yield rng.multinomial(items, counts / items, size=size).astype(np.float64)


def bootstrap(
    metric: Metric,
    run: Columns,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval | None:
    """BCa interval of any metric of one run over its items."""
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
    """BCa interval of ``metric(ours) - metric(theirs)`` on the same items in the same order.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 14.
    """
    drawn = resample(metric, [ours, theirs], rng=rng, resamples=resamples)
    return drawn.interval(np.array([1.0, -1.0]), level=level)
