"""The rows of a comparison: what each contender answered, and which rows share their examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tunewise.statistics.metrics import Columns, FloatArray, Metric, classes_in
from tunewise.statistics.moderation import SeedSpreads
from tunewise.statistics.resampling import Resampled, resample


@dataclass(frozen=True)
class RowScores:
    """What one contender answered on the examples of one split, run by run.

    Shapes:
        ids            (examples,)                  each once
        labels         (examples,)                  position of the right option
        choices        seed -> (examples,)          position of the chosen option
        probabilities  seed -> (examples, options)  needed by the loss alone
        scores         seed -> name -> (examples,)  of written texts; see `Columns`

    `seeded` is False for a method without randomness: its one run is all there is to it.

    Raises:
        ValueError: columns of different length, an id twice, no example, no run.
    """

    name: str
    ids: Sequence[str]
    labels: NDArray[np.integer]
    choices: Mapping[int, NDArray[np.integer]]
    probabilities: Mapping[int, NDArray[np.floating]] = field(default_factory=dict)
    scores: Mapping[int, Mapping[str, FloatArray]] = field(default_factory=dict)
    seeded: bool = True

    def __post_init__(self) -> None:
        examples = len(self.ids)
        if examples == 0 or not self.choices:
            raise ValueError(f"row '{self.name}' has no examples or no runs")
        if len(set(self.ids)) != examples:
            raise ValueError(f"row '{self.name}': an example id occurs twice")
        lengths = {len(self.labels), *map(len, self.choices.values())}
        if lengths != {examples}:
            raise ValueError(
                f"row '{self.name}': {examples} ids, columns of {sorted(lengths)} examples"
            )

    @property
    def seeds(self) -> list[int]:
        return sorted(self.choices)

    @property
    def is_constant(self) -> bool:
        """Whether every run gives one answer to all examples, whatever they ask."""
        return all(np.ptp(run) == 0 for run in self.choices.values())

    def columns(self, seed: int) -> Columns:
        """The answers of one run."""
        return Columns(
            np.asarray(self.labels),
            np.asarray(self.choices[seed]),
            self.probabilities.get(seed),
            self.scores.get(seed),
        )

    def in_order_of(self, ids: Sequence[str]) -> RowScores:
        """The same row with its examples in another order."""
        if list(ids) == list(self.ids):
            return self
        place = {name: number for number, name in enumerate(self.ids)}
        order = np.array([place[name] for name in ids])
        return replace(
            self,
            ids=ids,
            labels=np.asarray(self.labels)[order],
            choices={seed: np.asarray(run)[order] for seed, run in self.choices.items()},
            probabilities={seed: run[order] for seed, run in self.probabilities.items()},
            scores={
                seed: {name: values[order] for name, values in run.items()}
                for seed, run in self.scores.items()
            },
        )


@dataclass(frozen=True)
class SharedExamples:
    """Rows over the same examples with the same labels, resampled together."""

    rows: list[RowScores]
    drawn: Resampled
    first_run: dict[str, int]  # position of a row's first run among all runs
    metric: Metric
    beside: Sequence[RowScores] = ()  # rows that tell how far seeds lie apart, and no more

    @cached_property
    def spreads(self) -> SeedSpreads:
        """How far seeds lie apart, of every row with randomness, two seeds and a score for each."""
        found = {
            row.name: {seed: self.metric.of(row.columns(seed)) for seed in row.seeds}
            for row in [*self.rows, *self.beside]
            if row.seeded and len(row.seeds) > 1
        }
        return SeedSpreads(
            {
                name: {seed: value for seed, value in scores.items() if value is not None}
                for name, scores in found.items()
                if None not in scores.values()
            }
        )

    @cached_property
    def features(self) -> dict[str, FloatArray]:
        """By row the metric's features, averaged over its runs, shape (examples, sums).

        Every row is asked for again in each of its pairs.
        """
        runs = {row.name: [row.columns(seed) for seed in row.seeds] for row in self.rows}
        classes = classes_in(*(run for of_row in runs.values() for run in of_row))
        return {
            name: np.mean([self.metric.features(run, classes) for run in of_row], axis=0)
            for name, of_row in runs.items()
        }

    @property
    def items(self) -> int:
        return len(self.rows[0].ids)

    def runs(self, row: RowScores) -> NDArray[np.intp]:
        """Positions of the row's runs among all runs, in the order of its seeds."""
        return self.first_run[row.name] + np.arange(len(row.seeds))

    def covariance(self, *rows: RowScores) -> FloatArray:
        """Covariance over the draw of examples between all runs of these rows, in order."""
        return self.drawn.covariance(np.concatenate([self.runs(row) for row in rows]))

    def scores(self, row: RowScores) -> FloatArray:
        """One score per seed, in the order of `row.seeds`."""
        return self.drawn.values[self.runs(row)]

    def mean_of(self, row: RowScores) -> FloatArray:
        """The weights that turn the scores of all runs into the mean of this row."""
        mix = np.zeros(len(self.drawn.values))
        mix[self.runs(row)] = 1 / len(row.seeds)
        return mix


def group_by_examples(
    rows: Sequence[RowScores], metric: Metric, *, rng: np.random.Generator, resamples: int
) -> list[SharedExamples]:
    """Put rows with the same examples together, in one order, and resample each group."""
    groups: dict[tuple[tuple[str, ...], bytes], list[RowScores]] = {}
    for row in rows:
        ordered = row.in_order_of(sorted(row.ids))
        key = (tuple(ordered.ids), ordered.labels.astype(np.int64).tobytes())
        groups.setdefault(key, []).append(ordered)
    shared = []
    for group in groups.values():
        starts: dict[str, int] = {}
        runs: list[Columns] = []
        for row in group:
            starts[row.name] = len(runs)
            runs += [row.columns(seed) for seed in row.seeds]
        drawn = resample(metric, runs, rng=rng, resamples=resamples)
        shared.append(SharedExamples(group, drawn, starts, metric))
    return shared
