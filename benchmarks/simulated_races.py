"""Races over invented answers: how often the truly best is dropped, and equals are told apart.

    python benchmarks/simulated_races.py          1,000 races per line; minutes
    python benchmarks/simulated_races.py 100      fewer

Every race goes through `next_jobs`, as a real one does, with answers in the place of trainings; its
last claims are made on a test split of its own. A race ends in "different" where a contender was
dropped, which the report calls behind, or where the verdict on test calls two different; so too in
`replay.py`. Seeds are fixed, so two runs print the same table; the exit code is 1 where a fraction
lies outside its bounds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from scipy import special, stats

from tunewise.statistics.comparison import compare
from tunewise.statistics.score_matrix import RowScores
from tunewise.store.answers import Answers, row_scores
from tunewise.store.identity import trial_id
from tunewise.store.race import RaceRecord
from tunewise.store.records import (
    BudgetRecord,
    ContenderRecord,
    DataRecord,
    ParameterCounts,
    PointRecord,
    PriceRecord,
    StudyRecord,
)
from tunewise.store.trial_records import TrialCosts, TrialResult
from tunewise.store.trials import TrialRecord
from tunewise.studies.jobs import next_jobs
from tunewise.studies.race.race import race_of

LARGE = 1e9  # seconds: a budget that ends nothing
STEPS = 100


@dataclass(frozen=True)
class World:
    """What contenders truly are: accuracies over all seeds and examples, and how they vary.

    `over_seeds` is the standard deviation of a contender's accuracy over seeds, `own` the part of
    what makes an example hard that a contender has for itself, `each` that of every training.
    """

    accuracies: tuple[float, ...]
    over_seeds: float = 0.01
    own: float = 0.2
    each: float = 0.3
    validation: int = 300
    test: int = 600
    seeds: int = 10
    margin: float | None = None
    reference: bool = True  # whether a row without randomness takes part, 20 points lower
    budget: float = LARGE


@dataclass(frozen=True)
class Raced:
    """A race that has ended, and what was answered on test."""

    race: RaceRecord
    rows: list[RowScores]
    jobs: list[str]  # in the order in which they were started


def study_of(world: World) -> StudyRecord:
    """Contenders c0, c1, ... of one search point each, the first the dearest."""
    count = len(world.accuracies)
    racers = [
        ContenderRecord(
            f"c{n}",
            points=(PointRecord(identity={"name": f"c{n}"}),),
            parameters=ParameterCounts(1000, 1000 - n),
        )
        for n in range(count)
    ]
    rows = [*racers]
    if world.reference:
        point = PointRecord(identity={"name": "reference"})
        rows.append(ContenderRecord("reference", seeded=False, points=(point,)))
    prices = {row.name: PriceRecord(1 / STEPS, 0.0, (STEPS, STEPS)) for row in racers}
    return StudyRecord(
        "invented",
        seeds=tuple(range(world.seeds)),
        metrics=("accuracy",),
        equivalence_margin=world.margin,
        contenders=tuple(rows),
        data=DataRecord(has_test=True, rows={"validation": world.validation, "test": world.test}),
        budget=BudgetRecord(world.budget, 2, prices, speed=1.0),
    )


class Invented:
    """The answers of every contender and seed, drawn when they are asked for."""

    def __init__(self, world: World, draw: int) -> None:
        self.world, self.draw = world, draw
        rng = self._rng(0)
        sizes = {"validation": world.validation, "test": world.test}
        self.shared = {split: rng.standard_normal(size) for split, size in sizes.items()}
        self.answers = cache(self._answers)

    def __call__(self, record: TrialRecord) -> Answers:
        return self.answers(record.folder.name, "validation")

    def _rng(self, *place: int) -> np.random.Generator:
        return np.random.default_rng([self.draw, *place])

    def _answers(self, named: str, split: str) -> Answers:
        name, _, seed = named.rpartition("-")
        number = int(name[1:]) if name != "reference" else len(self.world.accuracies)
        truth = (*self.world.accuracies, self.world.accuracies[0] - 0.2)[number]
        spread = self.world.over_seeds if name != "reference" else 0.0
        truth += spread * float(self._rng(1, number, int(seed)).standard_normal())
        part = 2 if split == "validation" else 3
        shared = self.shared[split]
        own = self._rng(part, number).standard_normal(len(shared))
        each = self._rng(part, number, int(seed) + 1).standard_normal(len(shared))
        rest = 1 - self.world.own - self.world.each
        ease = rest**0.5 * shared + self.world.own**0.5 * own + self.world.each**0.5 * each
        right = ease < special.ndtri(np.clip(truth, 0.001, 0.999))
        ids = tuple(map(str, range(len(shared))))
        labels = np.ones(len(shared), dtype=np.int64)
        return Answers(ids, labels, right.astype(np.int64))


def record(study: StudyRecord, answers: Invented, id: str, named: str) -> TrialRecord:
    """What a training leaves, with its name in the place of its folder."""
    accuracy = float(answers.answers(named, "validation").choices.mean())
    metrics = {"validation": {"accuracy": accuracy}}
    result = TrialResult(id, steps=STEPS, metrics=metrics)
    return TrialRecord(id, "done", result, TrialCosts(), Path(f"{answers.draw}") / named)


def run(world: World, draw: int, *, order: Callable[[int], int] = lambda waiting: 0) -> Raced:
    """Race to the end; `order` says which of the waiting jobs ends next."""
    study, answers = study_of(world), Invented(world, draw)
    names = {
        trial_id(row.points[0].identity, seed): f"{row.name}-{seed}"
        for row in study.contenders
        for seed in study.seeds
    }
    records: dict[str, TrialRecord] = {}
    started = []
    while True:
        race = race_of(study, records, answers)
        assert race is not None
        waiting = [job for job in next_jobs(study, records, {}, race=race) if job.kind == "trial"]
        if not waiting:
            break
        job = waiting[order(len(waiting))]
        started.append(names[job.id])
        records[job.id] = record(study, answers, job.id, names[job.id])
    tested = [row for row in study.contenders if row.name not in race.dropped]
    rows = [
        row_scores(
            row.name,
            {seed: answers.answers(f"{row.name}-{seed}", "test") for seed in race.seeds[row.name]},
            seeded=row.seeded,
        )
        for row in tested
    ]
    return Raced(race, rows, started)


@dataclass(frozen=True)
class Told:
    """Fractions of races, and the mean number of trainings of a contender."""

    different: float  # one is dropped as behind, or some two that remain are called different
    dropped_best: float
    dropped_any: float
    settled: float  # ended because all is decided
    seeds: float


def told(world: World, races: int) -> Told:
    """Run so many races of a world; equals count as best only where all are equal."""
    best = int(np.argmax(world.accuracies))
    null = len(set(world.accuracies)) == 1
    different = dropped_best = dropped_any = settled = 0
    trainings = 0
    for draw in range(races):
        raced = run(world, draw)
        racers = [row for row in raced.rows if row.seeded]
        dropped = raced.race.dropped
        dropped_any += bool(dropped)
        dropped_best += bool(dropped) if null else f"c{best}" in dropped
        settled += raced.race.ended == "decided"
        trainings += len([name for name in raced.jobs if name.startswith("c")])
        found = len(racers) > 1 and _told_apart(racers, world)
        different += bool(dropped) or found
    count = len(world.accuracies)
    return Told(
        different / races,
        dropped_best / races,
        dropped_any / races,
        settled / races,
        trainings / races / count,
    )


def _told_apart(rows: Sequence[RowScores], world: World) -> bool:
    compared = compare(rows, "accuracy", rng=np.random.default_rng(0), resamples=20)
    return any(pair.outcome == "different" for pair in compared.pairs)


def at_most(fraction: float, races: int) -> float:
    """The most that a truth of this fraction gives in 99 of 100 runs of so many races."""
    return float(stats.binom.ppf(0.99, races, fraction)) / races


NULL = World((0.7, 0.7, 0.7))
LINES = {
    "null, 3 contenders": NULL,
    "null, 6 contenders": World((0.7,) * 6),
    "null, 3, seeds vary much": replace(NULL, over_seeds=0.03),
    "null, 3, seeds hardly vary": replace(NULL, over_seeds=0.0),
    "null, 3, margin of 2 points": replace(NULL, margin=0.02),
    "best by 1 point, 6 contenders": World((0.71, 0.70, 0.70, 0.69, 0.68, 0.66)),
    "best by 3 points, seeds vary much": World((0.73, 0.70, 0.70, 0.65), over_seeds=0.03),
    "best by 10 points": World((0.80, 0.70, 0.70, 0.60)),
}


def main(races: int) -> int:
    missed = 0
    print(f"{races:,} races per line")
    print(f"{'':36}{'different':>11}{'best dropped':>14}{'settled':>9}{'seeds each':>12}")
    for name, world in LINES.items():
        start = time.perf_counter()
        found = told(world, races)
        null = len(set(world.accuracies)) == 1
        wrong = [found.different] if null else [found.dropped_best]
        holds = all(fraction <= at_most(0.05, races) for fraction in wrong)
        missed += not holds
        print(
            f"{name:<36}{found.different:>11.1%}{found.dropped_best:>14.1%}{found.settled:>9.0%}"
            f"{found.seeds:>12.1f}{'' if holds else '  MISSED'}"
            f"   ({time.perf_counter() - start:.0f} s)",
            flush=True,
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
