"""The scheduler of a budget over a recorded grid: `next_jobs` asks, the recording answers.

A draw resamples the examples of both splits with replacement and shuffles the seeds: what was
recorded is the population, and the truth of every draw. The same draw is judged as a full grid,
whose rates are chosen by accuracy on validation over all seeds.

A draw of copies deals the recorded seeds out among them and keeps the examples as they are: over
the recorded ones two copies do differ, so that resampled ones would count their luck twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from grids.recording import SPLITS, TEST, WHOLE, Grid, GridTrial
from numpy.typing import NDArray

from tunewise.statistics.comparison import Comparison, compare
from tunewise.statistics.score_matrix import RowScores
from tunewise.store.answers import Answers, row_scores
from tunewise.store.identity import RUNG, trial_of
from tunewise.store.race import RaceRecord
from tunewise.store.records import BudgetRecord, ContenderRecord, PointRecord, StudyRecord
from tunewise.store.trial_records import TrialCosts, TrialResult
from tunewise.store.trials import TrialRecord
from tunewise.studies.choose import chosen_point, point_id
from tunewise.studies.jobs import next_jobs
from tunewise.studies.race.race import race_of

LARGE = 1e9  # seconds: a budget that ends nothing
METRIC = "accuracy"
FEW = 20  # resamples; accuracy is a mean, whose variance is known
Key = tuple[str, int, int]  # contender, point, seed


@dataclass(frozen=True, eq=False)
class Recorded:
    """A grid, with what every draw of it asks for."""

    grid: Grid

    @cached_property
    def places(self) -> dict[Key, int]:
        return {trial.key: place for place, trial in enumerate(self.grid.trials)}

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        return self.grid.study.seeds

    @cached_property
    def rows(self) -> dict[str, ContenderRecord]:
        return {row.name: row for row in self.grid.study.contenders}

    @cached_property
    def right(self) -> Mapping[str, NDArray[np.bool_]]:
        """By split, (trials, examples)."""
        return {split: self.grid.choices[split] == self.grid.labels[split] for split in SPLITS}

    def trial(self, key: Key) -> GridTrial:
        return self.grid.trials[self.places[key]]

    def copied(self) -> list[Key]:
        """The trials of the one point that was trained with most seeds."""
        by_point: dict[tuple[str, int], list[Key]] = {}
        for trial in self.grid.trials:
            if trial.status == "done":
                by_point.setdefault((trial.contender, trial.point), []).append(trial.key)
        return max(by_point.values(), key=len)

    def score(self, name: str, point: int, split: str) -> float:
        """Accuracy over all recorded examples and seeds: the truth of every draw."""
        row = self.rows[name]
        seeds = self.seeds if row.seeded else self.seeds[:1]
        places = [self.places[name, point, seed] for seed in seeds]
        return float(self.right[split][places].mean())

    def best(self, name: str, split: str) -> float:
        """The score at a contender's best point."""
        points = range(len(self.rows[name].points))
        return max(self.score(name, point, split) for point in points)


@dataclass(frozen=True, eq=False)
class Draw:
    """One resampled world, and the study that races in it. `keys` gives each trial's place."""

    recorded: Recorded
    number: int
    study: StudyRecord
    keys: Mapping[str, Key]
    examples: Mapping[str, NDArray[np.int64]]  # of each split, drawn with replacement

    def answers(self, key: Key, split: str) -> Answers:
        grid, where = self.recorded.grid, self.examples[split]
        choices = grid.choices[split][self.recorded.places[key]][where].astype(np.int64)
        labels = grid.labels[split][where].astype(np.int64)
        return Answers(self.ids[split], labels, choices)

    def on_validation(self, record: TrialRecord) -> Answers:
        return self.answers(self.keys[record.id], "validation")

    @cached_property
    def ids(self) -> dict[str, tuple[str, ...]]:
        return {split: tuple(map(str, range(len(each)))) for split, each in self.examples.items()}

    def accuracy(self, key: Key, split: str) -> float:
        right = self.recorded.right[split][self.recorded.places[key]]
        return float(right[self.examples[split]].mean())

    def record(self, id: str) -> TrialRecord:
        """What a training leaves at its end, or at a rung."""
        whole, _, step = id.partition(RUNG)
        key = self.keys[whole]
        trial = self.recorded.trial(key)
        status, folder = trial.status, Path(f"{self.number}") / id
        if step:
            losses = self._losses(key, int(step))
            status = "done" if losses else "diverged"
            result = TrialResult(id, status=status, steps=int(step), losses=losses)
        else:
            metrics = {**trial.metrics["validation"], METRIC: self.accuracy(key, "validation")}
            result = TrialResult(
                id, status=status, steps=trial.steps, metrics={"validation": metrics}
            )
        seconds = {"total": trial.seconds.get(step or WHOLE, 0.0)}
        return TrialRecord(id, status, result, TrialCosts(seconds=seconds), folder)

    def _losses(self, key: Key, step: int) -> tuple[float, ...] | None:
        rates = self.recorded.rows[key[0]].rates
        assert rates is not None
        place = rates.rungs.index(step)
        found = self.recorded.grid.losses[self.recorded.places[key], place]
        if not np.isfinite(found).all():
            return None
        return tuple(found[self.examples["validation"]].astype(float).tolist())


def draw(recorded: Recorded, number: int, *, budget: float = LARGE, workers: int = 2) -> Draw:
    """The recorded study under a budget in predicted seconds, resampled."""
    rng = np.random.default_rng([1, number])
    seeds = tuple(int(seed) for seed in rng.permutation(recorded.seeds))
    record = BudgetRecord(budget, workers, recorded.grid.header.prices, speed=1.0)
    study = replace(recorded.grid.study, seeds=seeds, budget=record)
    keys = {
        point_id(study, row, point, seed): (row.name, point, seed)
        for row in study.contenders
        for point in range(len(row.points))
        for seed in (seeds if row.seeded else recorded.seeds)
    }
    for row in study.contenders:  # what has no randomness was recorded once
        if not row.seeded:
            for point in range(len(row.points)):
                keys[point_id(study, row, point, seeds[0])] = (row.name, point, recorded.seeds[0])
    return Draw(recorded, number, study, keys, _examples(recorded, rng))


def null_draw(recorded: Recorded, number: int, copies: int) -> Draw:
    """Copies of the one contender that has most seeds, which are dealt out among them."""
    rng = np.random.default_rng([2, number])
    dealt = [recorded.copied()[at] for at in rng.permutation(len(recorded.copied()))]
    each = len(dealt) // copies
    name = dealt[0][0]
    rows = tuple(
        replace(
            recorded.rows[name],
            name=f"copy {copy}",
            rates=None,
            points=(PointRecord(identity={"copy": copy}),),
        )
        for copy in range(copies)
    )
    price = recorded.grid.header.prices[name]
    budget = BudgetRecord(LARGE, 2, {row.name: price for row in rows}, speed=1.0)
    study = replace(recorded.grid.study, seeds=tuple(range(each)), contenders=rows, budget=budget)
    keys = {
        point_id(study, row, 0, seed): dealt[copy * each + seed]
        for copy, row in enumerate(rows)
        for seed in range(each)
    }
    as_they_are = {split: np.arange(len(recorded.grid.labels[split])) for split in SPLITS}
    return Draw(recorded, number, study, keys, as_they_are)


def _examples(recorded: Recorded, rng: np.random.Generator) -> dict[str, Any]:
    sizes = {split: len(recorded.grid.labels[split]) for split in SPLITS}
    return {split: rng.integers(0, size, size) for split, size in sizes.items()}


@dataclass(frozen=True)
class Raced:
    """A race that has ended: where it stands, what was answered on test, and what it took.

    `points` are the chosen ones, `seconds` those measured of all trainings and tests, `predicted`
    the same as the budget counts them.
    """

    race: RaceRecord
    rows: list[RowScores]
    points: dict[str, int]
    seconds: float
    predicted: float


def race(world: Draw) -> Raced:
    """Ask `next_jobs` until no training is left; then open the test."""
    study, records = world.study, dict[str, TrialRecord]()
    while True:
        standing = race_of(study, records, world.on_validation)
        assert standing is not None
        jobs = [job for job in next_jobs(study, records, {}, race=standing) if job.kind == "trial"]
        if not jobs:
            break
        records |= {job.id: world.record(job.id) for job in jobs}
    chosen = {row.name: chosen_point(study, row, records) for row in study.contenders}
    points = {name: point for name, point in chosen.items() if point is not None}
    rows, tested = [], []
    for row in study.contenders:
        if row.name in points and row.name not in standing.dropped:
            seeds = standing.seeds[row.name] if row.seeded else study.seeds[:1]
            ids = {seed: point_id(study, row, points[row.name], seed) for seed in seeds}
            done = {seed: id for seed, id in ids.items() if records[id].status == "done"}
            answers = {seed: world.answers(world.keys[id], "test") for seed, id in done.items()}
            rows.append(row_scores(row.name, answers, seeded=row.seeded))
            tested += list(done.values())
    seconds, predicted = _took(world, list(records), tested)
    return Raced(standing, rows, points, seconds, predicted)


def _took(world: Draw, ids: Sequence[str], tested: Sequence[str]) -> tuple[float, float]:
    """Seconds of trainings as far as they went, and of tests: measured, and predicted."""
    furthest: dict[str, str] = {}
    for id in sorted(ids, key=lambda id: int(id.partition(RUNG)[2] or LARGE)):
        furthest[trial_of(id)] = id.partition(RUNG)[2]
    measured = predicted = 0.0
    prices = world.recorded.grid.header.prices
    for id, step in furthest.items():
        trial = world.recorded.trial(world.keys[id])
        price = prices[trial.contender]
        measured += trial.seconds.get(step or WHOLE, 0.0)
        predicted += price.around + price.step * int(step or trial.steps or 0)
    for id in tested:
        trial = world.recorded.trial(world.keys[id])
        measured += trial.seconds.get(TEST, 0.0)
        predicted += prices[trial.contender].test
    return measured, predicted


def judged(rows: Sequence[RowScores]) -> Comparison:
    return compare(rows, METRIC, rng=np.random.default_rng(0), resamples=FEW)


@dataclass(frozen=True)
class FullGrid:
    """The same draw as a full grid: the chosen points, the answers on test, and what it took."""

    points: dict[str, int]
    rows: list[RowScores]
    seconds: float
    predicted: float


def full_grid(world: Draw) -> FullGrid:
    """Every point with every seed; the point with the best mean accuracy on validation counts."""
    recorded, study = world.recorded, world.study
    points, rows, ids, tested = {}, [], list[str](), list[str]()
    for row in study.contenders:
        seeds = study.seeds if row.seeded else study.seeds[:1]
        tried = {
            point: {seed: point_id(study, row, point, seed) for seed in seeds}
            for point in range(len(row.points))
        }

        def merit(point: int, tried: Any = tried) -> tuple[float, float]:
            keys = [world.keys[id] for id in tried[point].values()]
            losses = [recorded.trial(key).metrics["validation"].get("loss") for key in keys]
            mean = float(np.mean([np.inf if loss is None else loss for loss in losses]))
            done = all(recorded.trial(key).status == "done" for key in keys)
            accuracy = np.mean([world.accuracy(key, "validation") for key in keys])
            return (float(accuracy) if done else -1.0, -mean)

        best = max(tried, key=merit)
        points[row.name] = best
        answers = {seed: world.answers(world.keys[id], "test") for seed, id in tried[best].items()}
        rows.append(row_scores(row.name, answers, seeded=row.seeded))
        ids += [id for each in tried.values() for id in each.values()]
        tested += list(tried[best].values())
    seconds, predicted = _took(world, ids, tested)
    return FullGrid(points, rows, seconds, predicted)
