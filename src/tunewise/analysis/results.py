"""One row per contender: what it scored, how sure that is, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tunewise.analysis.comparisons import comparison, intervals
from tunewise.analysis.evidence import (
    DONE,
    OUT_OF_TIME,
    UNFINISHED,
    Contender,
    Evidence,
    Trial,
)
from tunewise.analysis.wording import split_name
from tunewise.core.canonical import Settings
from tunewise.core.lazy import Later
from tunewise.statistics.comparison import Comparison
from tunewise.statistics.intervals import Interval
from tunewise.statistics.metrics import METRICS
from tunewise.statistics.pairs import Pair
from tunewise.statistics.summary import mean_known

if TYPE_CHECKING:
    from tunewise.reports.outputs import notebook
else:  # what shows a fact lies above it, and is loaded when a notebook asks
    notebook = Later("tunewise.reports.outputs.notebook")


@dataclass(frozen=True)
class Spread:
    """A metric over seeds: its values in the order of the seeds, as fractions or nats."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.values))

    @property
    def sd(self) -> float | None:
        """The sample standard deviation; None with one seed, which shows no spread."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Parameters:
    """Parameters of the model, and how many of them were trained."""

    total: int
    trainable: int

    @property
    def fraction(self) -> float:
        return self.trainable / self.total

    @property
    def reduction(self) -> float | None:
        """How many parameters there are for each one that was trained."""
        return self.total / self.trainable if self.trainable else None


@dataclass(frozen=True)
class Measured:
    """What the clock and the machine measured: it differs from run to run, unlike all the rest."""

    seconds: float | None  # one trial of the chosen point, mean over seeds
    seconds_all: float  # every trial of the contender, the search included
    peak_bytes: int | None
    artefact_bytes: int | None
    latency_seconds: float | None  # of one answer, one at a time: the median, mean over seeds
    million_seconds: float | None  # of a million answers, at the best batch size
    hosts: tuple[str, ...]


Standing = Literal["best", "tied", "not-shown-over-seeds", "behind", "untested", "unscored"]
"""Where a row stands to the best. A tied one cannot be distinguished from it on these examples. Of
one not shown over seeds the checkpoints are behind, the method not shown to be. One behind is both.
"""


@dataclass(frozen=True)
class Row:
    """A contender in the final table."""

    name: str
    position: int
    model: str | None
    method: str
    settings: Settings
    status: str
    error: str | None
    chosen: Settings | None
    learning_rate: float | None  # what was used, where it was not searched
    seeds: tuple[int, ...]
    validation: dict[str, Spread]
    test: dict[str, Spread]
    intervals: dict[tuple[str, str], Interval]  # by split and metric; over examples
    to_best: Pair | None  # this row minus the best; None for the best itself
    standing: Standing
    flags: tuple[str, ...]  # such as "degenerate": some trial answered one class throughout
    parameters: Parameters | None
    measured: Measured
    spoken: str = ""  # what a sentence calls its method, where the name says too little

    def scores(self, split: str) -> dict[str, Spread]:
        return self.test if split == "test" else self.validation

    @property
    def trainable(self) -> int | None:
        return self.parameters.trainable if self.parameters else None


@dataclass(frozen=True)
class Results:
    """All rows, best first and those without a score last, and what they rest on."""

    study: str
    split: str
    metric: str
    metrics: tuple[str, ...]
    items: int
    seeds_planned: tuple[int, ...]
    pairs_counted: int  # by which p values are corrected
    rows: tuple[Row, ...]

    @property
    def higher_is_better(self) -> bool:
        return METRICS[self.metric].higher_is_better

    @property
    def finished(self) -> bool:
        """Whether nothing is left to run; what failed has been run."""
        return all(row.status != UNFINISHED for row in self.rows)

    @property
    def best(self) -> Row | None:
        return next((row for row in self.rows if row.standing == "best"), None)

    @property
    def scored(self) -> list[Row]:
        """The rows with a score on the split that counts, best first."""
        return [row for row in self.rows if row.scores(self.split)]

    def headline(self, row: Row) -> Spread | None:
        """A row's score by the metric and on the split that count."""
        return row.scores(self.split).get(self.metric)

    def standing(self, standing: str) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.standing == standing)

    @property
    def failed(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.status not in {DONE, UNFINISHED, OUT_OF_TIME})

    @property
    def out_of_time(self) -> tuple[Row, ...]:
        """Those whose search was not over when the budget was spent."""
        return tuple(row for row in self.rows if row.status == OUT_OF_TIME)

    def _repr_html_(self) -> str:
        return notebook.results_cell(self)


def examples_words(results: Results) -> str:
    """The examples that count; of scores alone nobody may know how many there were."""
    unknown = results.items == 0 and results.scored
    counted = "" if unknown else f"{results.items:,} examples of "
    return f"{counted}{split_name(results.split)}"


def results_of(evidence: Evidence) -> Results:
    """The rows of what has been gathered, ranked by the headline metric over seeds."""
    compared = comparison(evidence)
    scored = [row.name for row in compared.rows if row.mean is not None] if compared else []
    order = [*scored, *(name for name in evidence.by_name if name not in scored)]
    found = intervals(evidence)
    return Results(
        study=evidence.name,
        split=evidence.split,
        metric=evidence.headline,
        metrics=evidence.metrics,
        items=max((row.items for row in compared.rows), default=0) if compared else 0,
        seeds_planned=evidence.study.seeds,
        pairs_counted=compared.family_size if compared else 0,
        rows=tuple(_row(evidence.by_name[name], compared, found[name]) for name in order),
    )


def _row(
    contender: Contender, compared: Comparison | None, found: dict[tuple[str, str], Interval]
) -> Row:
    counted = contender.parameters
    flags = (str(flag) for trial in contender.finished for flag in trial.record.result.flags)
    # The first error of the trials that decide; a lost search point is not the row's error.
    decisive = contender.chosen.trials if contender.chosen else contender.trials
    records = (record for trial in decisive for record in (trial.record, trial.test))
    errors = (record.result.error for record in records if record)
    return Row(
        name=contender.name,
        position=contender.position,
        model=contender.model,
        method=contender.method,
        settings=contender.settings,
        status=contender.status,
        error=next((str(error) for error in errors if error), None),
        chosen=contender.chosen.values if contender.chosen else None,
        learning_rate=contender.learning_rate,
        seeds=tuple(trial.seed for trial in contender.finished),
        validation=_spreads(contender.finished, "validation"),
        test=_spreads(contender.finished, "test"),
        intervals=found,
        to_best=compared.to_best(contender.name) if compared else None,
        standing=_standing(contender.name, compared),
        flags=tuple(dict.fromkeys(flags)),
        parameters=Parameters(counted.total, counted.trainable) if counted else None,
        measured=_measured(contender),
        spoken=contender.described.spoken,
    )


def _standing(name: str, compared: Comparison | None) -> Standing:
    if compared is None or all(row.name != name or row.mean is None for row in compared.rows):
        return "unscored"
    pair = compared.to_best(name)
    if pair is None:
        return "best"
    return "behind" if pair.outcome == "different" else pair.outcome


def _spreads(trials: Sequence[Trial], split: str) -> dict[str, Spread]:
    """Each metric of a split over the trials that have it."""
    found: dict[str, list[float]] = {}
    for trial in trials:
        for metric, value in trial.metrics(split).items():
            if value is not None:
                found.setdefault(metric, []).append(float(value))
    return {metric: Spread(tuple(values)) for metric, values in found.items()}


def _measured(contender: Contender) -> Measured:
    ended = [trial.record.costs for trial in contender.finished]
    everything = [trial.record.costs for trial in contender.trials]
    # Where nothing ended well, the peak is what it failed at.
    peaks = [cost.bytes.peak_resident for cost in ended or everything]
    sizes = [cost.bytes.artefact for cost in ended]
    tests = [trial.test.costs for trial in contender.finished if trial.test]
    return Measured(
        seconds=mean_known(cost.total_seconds for cost in ended),
        seconds_all=sum(cost.total_seconds or 0 for cost in everything),
        peak_bytes=max((peak for peak in peaks if peak is not None), default=None),
        artefact_bytes=max((size for size in sizes if size is not None), default=None),
        latency_seconds=mean_known(cost.at_one.median_seconds for cost in tests if cost.at_one),
        million_seconds=mean_known(
            1e6 / cost.at_best.examples_per_second for cost in tests if cost.at_best
        ),
        hosts=tuple(sorted({cost.host for cost in everything if cost.host})),
    )
