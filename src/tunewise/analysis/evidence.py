"""A study contender by contender, with everything that was run: what all facts are computed of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import fmean

import pyarrow.parquet as pq

from tunewise.core.canonical import Settings
from tunewise.core.errors import DamagedStudy
from tunewise.store.answers import Answers, read_answers
from tunewise.store.faults import Fault
from tunewise.store.places import Places
from tunewise.store.race import Left, RaceRecord
from tunewise.store.records import (
    ContenderRecord,
    DataRecord,
    ParameterCounts,
    StudyRecord,
    TrialSettings,
)
from tunewise.store.study import StudyFolder
from tunewise.store.trials import TrialRecord

DONE = "done"
NOT_RUN = "not run"
UNFINISHED = "unfinished"  # some of its trials have not run yet
OUT_OF_TIME = "out of time"  # the budget was spent before its search was over
LEARNING = ("loss", "answers")  # the checks that a training which learned nothing does not pass


@dataclass(frozen=True)
class Trial:
    """One training run of a contender, with the test it was opened for, if any."""

    seed: int
    record: TrialRecord
    test: TrialRecord | None
    held: Mapping[str, Answers] = field(default_factory=dict)  # by split; of runs without a folder

    @property
    def done(self) -> bool:
        return self.record.status == DONE

    @property
    def learned_nothing(self) -> bool:
        """Whether it answers one thing throughout, or its loss did not fall by more than noise."""
        result = self.record.result
        failed = {check.name for check in result.checks if check.passed is False}
        return "degenerate" in result.flags or not failed.isdisjoint(LEARNING)

    def metrics(self, split: str) -> Mapping[str, float | None]:
        """The stored metrics of a split; empty where it was not scored."""
        record = self.test if split == "test" else self.record
        return {} if record is None else record.result.metrics.get(split, {})

    def answers(self, split: str) -> Answers | None:
        """The answers on a split, held or stored; None where there are none."""
        if split in self.held:
            return self.held[split]
        path = self.predictions(split)
        return None if path is None else read_answers(path, path.stat().st_mtime_ns)

    def predictions(self, split: str) -> Path | None:
        """The file of the stored answers on a split, if there is one."""
        record = self.test if split == "test" else self.record
        path = None if record is None else record.folder / "predictions" / f"{split}.parquet"
        return path if path is not None and path.is_file() else None


@dataclass(frozen=True)
class Point:
    """One place in the search, with its trials in the order of the study's seeds."""

    values: Settings  # by path
    trials: tuple[Trial, ...]
    settings: TrialSettings = field(default_factory=TrialSettings)

    def score(self, metric: str) -> float | None:
        """Its validation score under the first seed, by which points are chosen."""
        first = self.trials[0] if self.trials else None
        return first.metrics("validation").get(metric) if first and first.done else None

    def answers(self, split: str) -> Answers | None:
        """What was answered under the first seed."""
        return self.trials[0].answers(split) if self.trials else None

    @property
    def status(self) -> str:
        """How its first trial ended."""
        return self.trials[0].record.status if self.trials else NOT_RUN


@dataclass(frozen=True)
class AtRung:
    """A learning rate at a step where rates were compared, under the first seed."""

    rate: float
    step: int
    record: TrialRecord

    @property
    def loss(self) -> float | None:
        """The mean over the validation examples in nats, as rates are compared by it."""
        losses = self.record.result.losses
        return fmean(losses) if losses else None


@dataclass(frozen=True)
class Contender:
    """A row of the final table, with everything that was run for it."""

    described: ContenderRecord
    position: int  # in the study; decides its color
    points: tuple[Point, ...]
    chosen: Point | None
    seeds_planned: int
    tested: bool  # whether its chosen trials are to be scored on a test split
    parameters: ParameterCounts | None
    learning_rate: float | None  # of every point; None where it is searched, or nothing is trained
    rungs: tuple[AtRung, ...] = ()  # where its learning rate is measured
    left: Left | None = None  # why it got no further seeds, in a race under a budget
    over: bool = False  # whether that race has ended

    @property
    def name(self) -> str:
        return self.described.name

    @property
    def model(self) -> str | None:
        return self.described.model

    @property
    def method(self) -> str:
        return self.described.method

    @property
    def settings(self) -> Settings:
        """Those of the method, without what the search chooses."""
        return self.described.settings

    @property
    def searched(self) -> tuple[str, ...]:
        """The paths of the settings that are searched."""
        return self.described.search

    @property
    def centre(self) -> Point:
        """The chosen point; before one is chosen, the first."""
        return self.chosen or self.points[0]

    @property
    def training(self) -> Settings:
        """How it was trained; empty for what the loop does not train."""
        return self.centre.settings.training

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Every trial, those of points that were not chosen included."""
        return tuple(trial for point in self.points for trial in point.trials)

    @property
    def finished(self) -> tuple[Trial, ...]:
        """The trials of the chosen point that ended well, one a seed."""
        return tuple(t for t in self.chosen.trials if t.done) if self.chosen else ()

    @property
    def failed(self) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.trials if not trial.done)

    @property
    def learned_nothing(self) -> bool:
        """Whether what was trained by steps learned nothing under some seed."""
        return bool(self.training) and any(trial.learned_nothing for trial in self.finished)

    @property
    def out_of_patience(self) -> bool:
        """Whether each training went on until validation loss fell no more."""
        return bool(self.finished) and all(
            trial.record.result.ended == "patience" for trial in self.finished
        )

    @property
    def at_limit(self) -> bool:
        """Whether a training of open length was ended by its limit, its validation loss falling."""
        return self.described.trained and any(
            trial.record.result.ended == "limit" for trial in self.finished
        )

    def answers(self, split: str) -> dict[int, Answers]:
        """What its finished trials answered on a split, by seed."""
        read = {trial.seed: trial.answers(split) for trial in self.finished}
        return {seed: answers for seed, answers in read.items() if answers is not None}

    @property
    def status(self) -> str:
        """done, unfinished, or the way in which the chosen trials failed."""
        if self.chosen is None and any(not point.trials for point in self.points):
            return OUT_OF_TIME if self.over else UNFINISHED
        decisive = self.chosen.trials if self.chosen else self.trials
        for trial in decisive:
            for record in (trial.record, trial.test):
                if record is not None and record.status != DONE:
                    return record.status
        if len(decisive) < self.seeds_planned:
            return UNFINISHED
        return UNFINISHED if self.tested and any(t.test is None for t in decisive) else DONE

    @property
    def to_come(self) -> tuple[int, int]:
        """How many trainings and tests it still needs; none once it has failed."""
        if self.status != UNFINISHED:
            return 0, 0
        tests = self.seeds_planned if self.tested else 0
        if self.chosen is None:
            untried = sum(not point.trials for point in self.points)
            return untried + self.seeds_planned - 1, tests
        opened = sum(trial.test is not None for trial in self.chosen.trials)
        return self.seeds_planned - len(self.chosen.trials), max(tests - opened, 0)


@dataclass(frozen=True)
class Evidence:
    """A study as it stands: what was asked, and what each contender has shown so far."""

    path: Path
    study: StudyRecord
    contenders: tuple[Contender, ...]
    places: Places = field(default_factory=Places)
    damaged: tuple[Fault, ...] = ()  # what is not what was written, and does not count
    race: RaceRecord | None = None  # where that of a study under a budget stands

    @property
    def name(self) -> str:
        return self.study.name

    @cached_property
    def labels(self) -> tuple[str, ...]:
        return tuple(map(str, self.study.labels))

    def option(self, position: int) -> str:
        """The name of an answer; its number where the study names no labels."""
        labels = self.labels
        return labels[position] if 0 <= position < len(labels) else str(position)

    @property
    def metrics(self) -> tuple[str, ...]:
        return self.study.metrics

    @property
    def headline(self) -> str:
        """The metric by which points are chosen and contenders ranked."""
        return self.metrics[0]

    @property
    def data(self) -> DataRecord:
        return self.study.data

    @cached_property
    def by_name(self) -> dict[str, Contender]:
        return {contender.name: contender for contender in self.contenders}

    @property
    def searched(self) -> list[Contender]:
        """The contenders of which more than one point was to be tried."""
        return [contender for contender in self.contenders if len(contender.points) > 1]

    @cached_property
    def split(self) -> str:
        """The split the verdict rests on: test once any test was opened, else validation."""
        opened = any(trial.test for contender in self.contenders for trial in contender.trials)
        return "test" if opened else "validation"

    @property
    def answered(self) -> list[tuple[Contender, list[Answers]]]:
        """The contenders with answers on the deciding split, one set a seed."""
        found = ((one, list(one.answers(self.split).values())) for one in self.contenders)
        return [(one, runs) for one, runs in found if runs]

    def texts(self, split: str) -> dict[str, dict[str, str]]:
        """The examples of a split by id, each with the columns the task reads."""
        path = self.examples(split)
        if path is None:
            return {}
        columns = self.text_columns
        rows = pq.read_table(path, columns=["id", *columns]).to_pylist()
        return {row["id"]: {column: str(row[column]) for column in columns} for row in rows}

    @property
    def text_columns(self) -> list[str]:
        """The columns that the task reads."""
        named = self.study.texts or self.study.task.get("text", ())
        return [named] if isinstance(named, str) else list(named)

    def examples(self, split: str) -> Path | None:
        """The file of a split's examples; None where there is none, or a damaged one."""
        if self.study.elsewhere is not None:
            return None
        try:
            path = StudyFolder(self.path).file(f"data/{split}.parquet")
        except DamagedStudy:
            return None
        return path if path.is_file() else None
