"""What a study has to do next, as a pure function of what it has. No torch.

There is no scheduler state: resuming, `status`, `plan` and every engine ask this function.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from tunewise.store.identity import rung_id, trial_id, trial_of
from tunewise.store.race import RaceRecord
from tunewise.store.records import ContenderRecord, StudyRecord
from tunewise.store.trial_records import Job
from tunewise.studies.choose import chosen_point, has_failed, point_id, search_ids
from tunewise.studies.chosen import chosen_ids, seeds_due
from tunewise.studies.race.race import race_of
from tunewise.studies.rate_search import Records, rate_progress
from tunewise.training.settings import SEARCH_EPOCHS


@dataclass(frozen=True)
class Progress:
    """How far a study is, in trials and tests. `trials` and `tests` count what it takes.

    A contender whose points all failed needs no further seeds, so the totals can shrink.
    """

    trials: int
    finished: int
    failed: int  # of the finished and the tested: every status but done
    tests: int
    tested: int
    contenders: int
    contenders_failed: int

    @property
    def complete(self) -> bool:
        return self.finished == self.trials and self.tested == self.tests


def next_jobs(
    study: StudyRecord,
    records: Records,
    tests: Records,
    features: Collection[str] = (),
    race: RaceRecord | None = None,
) -> list[Job]:
    """Every job that can start now, the first first; an empty list means the study is done.

    Features come before the trials that need them, then each search point with the first seed,
    then the chosen point with the other seeds. Tests, one for each trial of a chosen point that
    is done, wait until no trial of the study is left: after the first look at the test split
    nothing is chosen any more.

    Under a budget the other seeds come in rounds, and the test waits for the end of the race.

    Of jobs that need not wait for each other the longest come first, so that the last of them are
    short and workers end together. Before them comes what is fitted without a model: it takes
    seconds, and says what the others have to beat. Under a budget what is fitted on the stored
    outputs of a model comes next: a clock that ends the others finds it done. The order is all
    that this changes.

    `features` are the keys of the stored features that are complete. `race` is where the race of
    `study` stands by `records`; it is found where it is not given.
    """
    race = race or race_of(study, records)
    ended = race is not None and race.ended is not None
    trials = chain(_searches(study, records), _further_seeds(study, records, race))
    waiting = [] if ended else [job for job in trials if job.id not in records]
    if waiting:
        making = [
            replace(job, kind="features", id=job.features)
            for job in waiting
            if job.features is not None and job.features not in features
        ]
        ready = [job for job in waiting if job.features is None or job.features in features]
        return _once([*making, *ready])
    if not study.plans_tests:
        return []
    return _once([job for job in _tests(study, records, race) if job.id not in tests])


def progress_of(
    study: StudyRecord, records: Records, tests: Records, race: RaceRecord | None = None
) -> Progress:
    """Counts for `status` and the progress bar, over what this study consists of.

    Under a budget, of what is due by now: a race may still grow.
    """
    race = race or race_of(study, records)
    dropped = race.dropped if race else {}
    needed: set[str] = set()  # by id, so that contenders may share a trial
    to_test: set[str] = set()
    later: list[int] = []  # seeds of each contender whose point is not chosen yet
    lost = 0
    for row in study.contenders:
        searched = search_ids(study, row, records)
        chosen = chosen_ids(study, row, records, race)
        if race and race.ended:  # what the clock cut short is not to come any more
            searched = [id for id in searched if id in records]
        needed.update(searched)
        needed.update(chosen)
        if row.name not in dropped:
            to_test.update(id for id in chosen if id not in records or records[id].status == "done")
        if has_failed(study, row, records):
            lost += 1
        elif not chosen and not (race and race.ended):
            later.append(len(seeds_due(study, row, race)))
    finished = [records[id] for id in needed if id in records]
    tested = [tests[id] for id in to_test if id in tests and study.plans_tests]
    return Progress(
        trials=len(needed) + sum(later) - len(later),
        finished=len(finished),
        failed=sum(record.status != "done" for record in finished + tested),
        tests=len(to_test) + sum(later) if study.plans_tests else 0,
        tested=len(tested),
        contenders=len(study.contenders),
        contenders_failed=lost,
    )


def label_of(study: StudyRecord, job: Job) -> tuple[str, str]:
    """A job in words: its contender, and the values searched over with the seed."""
    if job.kind == "features":
        return "stored features", ""
    seed = job.settings.seed
    for row in study.contenders:
        for point, place in enumerate(row.points):
            if trial_of(job.id) == point_id(study, row, point, seed):
                found = [f"{key.rpartition('.')[2]}={v}" for key, v in place.chosen.items()]
                until = [f"until step {job.until}"] if job.until else []
                return row.name, " ".join([*found, f"seed={seed}", *until])
    return job.id, f"seed={seed}"


def _searches(study: StudyRecord, records: Records) -> list[Job]:
    """The trials that choose a point, finished or not; by the work that their training is."""
    jobs = [job for row in study.contenders for job in _searching(study, row, records)]
    rows = study.data.rows
    sizes = rows.get("train", 1), rows.get("validation", 1)
    rushed = study.budget is not None
    return sorted(jobs, key=lambda job: (_turn(job, rushed=rushed), -_work(job, *sizes)))


def _further_seeds(study: StudyRecord, records: Records, race: RaceRecord | None) -> Iterator[Job]:
    """The trials of chosen points with the other seeds, by the seconds that the first one took."""
    chosen = [
        (row, point)
        for row in study.contenders
        if (point := chosen_point(study, row, records)) is not None
    ]
    for row, point in sorted(chosen, key=lambda one: -_seconds(study, one, records, "total")):
        for seed in seeds_due(study, row, race)[1:]:
            yield _trial(row, point, seed)


def _turn(job: Job, *, rushed: bool) -> int:
    """0 without a model, 1 in a rush where the outputs of one are stored, 2 else."""
    if job.settings.model is None:
        return 0
    return 1 if rushed and job.features is not None else 2


def _work(job: Job, train: int, validation: int) -> float:
    """Multiplications of a trial per token, where nothing of it was measured yet.

    A pass takes one for each parameter, the backward pass another, and another for each that is
    trained. Where the outputs of a frozen backbone are stored, only the head is left.
    """
    counts = job.promised
    if counts is None:
        return 0.0  # what is fitted in one go
    passed = counts.head if job.features is not None else counts.total
    if not job.settings.training:
        return float(passed * validation)
    epochs = job.settings.training.get("epochs")
    passes = epochs if isinstance(epochs, int) else SEARCH_EPOCHS
    return float(passes * train * (2 * passed + counts.trainable))


def _seconds(
    study: StudyRecord, chosen: tuple[ContenderRecord, int], records: Records, phase: str
) -> float:
    """What the first seed of a chosen point took, or a phase of it; 0 where nobody noted it."""
    record = records.get(point_id(study, *chosen))
    return record.costs.seconds.get(phase, 0.0) if record else 0.0


def _searching(study: StudyRecord, row: ContenderRecord, records: Records) -> Iterator[Job]:
    """Each search point; where learning rates are measured, the next comparison or what is left."""
    if row.rates is None:
        for point in range(len(row.points)):
            yield _trial(row, point, study.seeds[0])
        return
    progress = rate_progress(study, row, row.rates, records)
    for point, step in progress.waiting:
        job = _trial(row, point, study.seeds[0])
        yield replace(job, id=rung_id(job.id, step), until=step)
    for point in progress.finalists:
        yield _trial(row, point, study.seeds[0])


def _trial(row: ContenderRecord, point: int, seed: int) -> Job:
    place = row.points[point]
    id, settings = trial_id(place.identity, seed), place.settings.with_seed(seed)
    return Job("trial", id, settings, row.features, place.parameters)


def _tests(study: StudyRecord, records: Records, race: RaceRecord | None) -> Iterator[Job]:
    """The tests of chosen points, by the seconds that answering validation took."""
    chosen = [
        (row, point)
        for row in study.contenders
        if (point := chosen_point(study, row, records)) is not None
        and not (race and row.name in race.dropped)
    ]
    for row, point in sorted(chosen, key=lambda one: -_seconds(study, one, records, "evaluate")):
        for seed in seeds_due(study, row, race):
            trial = _trial(row, point, seed)
            if trial.id in records and records[trial.id].status == "done":
                yield replace(trial, kind="test")


def _once(jobs: Iterable[Job]) -> list[Job]:
    """Each job once, where it first stands: contenders may share a trial or their features.

    One trial has one process at a time, whichever step it is to go to.
    """
    seen: dict[str, Job] = {}
    for job in jobs:
        seen.setdefault(trial_of(job.key), job)
    return list(seen.values())
