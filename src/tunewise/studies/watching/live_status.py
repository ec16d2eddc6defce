"""Where a running study stands: what each trial is at, who leads, how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from tunewise.core.format import gap, is_fraction, probability, score
from tunewise.store.log import LogTail
from tunewise.store.race import read_clock
from tunewise.store.records import ContenderRecord
from tunewise.store.study import StudyFolder
from tunewise.store.trials import LOG
from tunewise.studies.choose import has_failed, search_ids
from tunewise.studies.chosen import chosen_ids, seeds_due
from tunewise.studies.events import BudgetSpent, Event, Finished, Started, Stopped, Tick
from tunewise.studies.jobs import Progress, label_of, progress_of
from tunewise.studies.race.race import race_of
from tunewise.studies.race.so_far import FirstSeeds, SoFar

STATES = {"behind": "dropped", "equivalent": "level", "open": "open", "failed": "failed"}
RACE = ("so far", "to best", "p")  # what heads the columns of `Standing.in_race`
HOW_SURE = "p: the chance of such a lag on validation, were it as good as the best"
ENOUGH = 0.05  # fraction of its steps after which a running trial says how long it will take


@dataclass
class Running:
    """A job that runs, as far as its log tells."""

    name: str
    point: str
    kind: str
    log: LogTail
    started: float
    first: int | None = None  # the first step seen: a resumed trial does not begin at one
    step: int = 0
    steps: int | None = None
    loss: float | None = None
    rows_per_second: float | None = None  # of stored features

    def read(self) -> None:
        """Take in the new lines of the log."""
        for event in self.log.read():
            if event["event"] == "start":
                self.steps, self.first = event.get("steps"), None
            elif event["event"] == "step":
                self.first = event["step"] if self.first is None else self.first
                self.step, self.loss = event["step"], event.get("loss")
                self.rows_per_second = event.get("rows_per_second")

    def seconds_left(self, now: float) -> float | None:
        """By the pace so far; None while too little has been seen of it."""
        if not self.steps or self.first is None or self.step - self.first < ENOUGH * self.steps:
            return None
        return (now - self.started) / (self.step - self.first + 1) * (self.steps - self.step)


@dataclass(frozen=True)
class Standing:
    """A contender's line on the leaderboard.

    `score` is the study's first metric on validation: the mean over the finished seeds of the
    chosen point, or the best search point so far. None: nothing is done yet, or all failed.
    """

    name: str
    score: float | None
    finished: int
    trials: int
    failed: bool
    # in a race under a budget: racing, dropped, level, open, failed; before it: leads, behind,
    # open, trains; of either that the clock ended: stopped
    state: str = ""
    difference: float | None = None  # to the best on validation, as last seen; below 0 if worse
    chance: float | None = None  # of such a lag, were it as good as the best

    def shown(self, metric: str) -> str:
        """The score without its unit, which heads the column; nothing where there is none yet."""
        if self.failed:
            return "failed"
        return "" if self.score is None else score(metric, self.score)

    def in_race(self, metric: str) -> tuple[str, str, str]:
        """Whether it races, how far it is behind the best, and how sure that is."""
        if self.difference is None or self.chance is None:
            return self.state, "", ""
        return self.state, gap(metric, self.difference), probability(self.chance)


def score_head(metric: str) -> str:
    """What heads the column of scores.

    >>> score_head("accuracy"), score_head("loss")
    ('validation accuracy, %', 'validation loss')
    """
    return f"validation {metric}{', %' if is_fraction(metric) else ''}"


class Board:
    """Follows a study by the engine's events and the trials' logs."""

    def __init__(
        self, folder: StudyFolder, workers: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.folder, self.workers, self.clock = folder, workers, clock
        self.study = folder.study()
        self.records, self.tests = folder.records(), folder.tests()
        self.running: dict[str, Running] = {}
        self.first_seeds = FirstSeeds(self.study)
        self.began = clock()
        self.before = read_clock(folder.path)  # seconds that earlier launches took
        self.seconds: dict[str, float | None] = {}
        for id, record in self.records.items():
            total = record.costs.total_seconds if record.status == "done" else None
            self.seconds[id] = None if total is None else float(total)
        self._count()

    def hear(self, event: Event) -> None:
        match event:
            case Started(job):
                log = self.folder.trial_folder(job.id) / LOG
                if job.kind == "features":
                    log = self.folder.features_folder(job.id).with_suffix(".jsonl")
                self.running[job.key] = Running(
                    *label_of(self.study, job), job.kind, LogTail(log), self.clock()
                )
            case Finished(job, record, seconds):
                self.running.pop(job.key, None)
                if record is not None:
                    (self.tests if job.kind == "test" else self.records)[job.id] = record
                    if job.kind == "trial" and record.status == "done":
                        self.seconds[job.id] = seconds
                    self._count()
            case Stopped(job):
                self.running.pop(job.key, None)
            case BudgetSpent(study=study):
                self.study = study
                self._count()
            case Tick():
                for running in self.running.values():
                    if running.kind != "test":
                        running.read()

    def _count(self) -> None:
        """What changes only when a job ends; hashing ids four times a second would be felt."""
        rows = self.study.contenders
        self.race = race_of(self.study, self.records)
        self.progress: Progress = progress_of(self.study, self.records, self.tests, self.race)
        self.so_far: SoFar | None = self.first_seeds.look(self.records)
        self._known = [self._ids(row) for row in rows]
        standings = [self._standing(row) for row in rows]
        references = {row.name for row in rows if not row.seeded}  # no seed changes them
        # The best first, then those without a score in the study's order, the failed last.
        self.standings = sorted(
            standings,
            key=lambda row: (
                row.failed,
                row.score is None,
                -round(row.score or 0.0, 12),
                row.state != "leads",  # of equal ones the one that tells examples apart
                row.name in references,
            ),
        )
        self._missing = [
            row.trials - sum(id in self.records for id in ids)
            for row, ids in zip(standings, self._known, strict=True)
        ]

    def budget_left(self) -> float | None:
        """Seconds of a budget on the clock; None without one."""
        budget = self.study.budget
        if budget is None or not budget.clocked:
            return None
        return max(0.0, budget.seconds - self.before - (self.clock() - self.began))

    def seconds_left(self) -> float | None:
        """Estimated from finished trials, of the same contender where there are any.

        None while no trial has finished and none is far enough to tell.
        """
        now = self.clock()
        trials = {key: run for key, run in self.running.items() if run.kind == "trial"}
        paces = [run.seconds_left(now) for run in trials.values()]
        known = [value for value in self.seconds.values() if value is not None]
        guesses = known or [
            now - run.started + pace
            for run, pace in zip(trials.values(), paces, strict=True)
            if pace is not None
        ]
        if not guesses:
            return None
        usual = fmean(guesses)
        waiting = 0.0
        for ids, missing in zip(self._known, self._missing, strict=True):
            own = [value for id in ids if (value := self.seconds.get(id)) is not None]
            later = missing - sum(f"trial/{id}" in trials for id in ids)
            waiting += max(later, 0) * (fmean(own) if own else usual)
        current = [usual if pace is None else pace for pace in paces]
        return max([(waiting + sum(current)) / self.workers, *current])

    def _standing(self, row: ContenderRecord) -> Standing:
        metric = self.study.metrics[0]
        chosen = chosen_ids(self.study, row, self.records, self.race)
        scores = [
            score
            for id in chosen or search_ids(self.study, row, self.records)
            if id in self.records and self.records[id].status == "done"
            if (score := self.records[id].metric(metric)) is not None
        ]
        failed = has_failed(self.study, row, self.records)
        seeds = 0 if failed else len(seeds_due(self.study, row, self.race)) - 1
        return Standing(
            name=row.name,
            score=(fmean(scores) if chosen else max(scores)) if scores else None,
            finished=sum(id in self.records for id in self._ids(row)),
            trials=len(search_ids(self.study, row, self.records)) + seeds,
            failed=failed,
            **self._in_race(row.name),
        )

    def _in_race(self, name: str) -> dict[str, Any]:
        """Whether it still races, and how sure a look at validation was."""
        if self.race is None or self.race.looks == 0:
            return self._before_a_race(name)
        left = next((one for one in self.race.left if one.contender == name), None)
        seen = next((one for one in self.race.open if one.contender == name), None)
        seen = left.against if left and left.against else seen
        racing = "stopped" if self.race.by_clock else "racing"
        state = STATES[left.why] if left else racing if name in self.race.racing else ""
        if seen is None or seen.contender != name:
            return {"state": state}
        return {"state": state, "difference": seen.difference, "chance": seen.chance}

    def _before_a_race(self, name: str) -> dict[str, Any]:
        if self.so_far is None:
            return {}
        seen = self.so_far.others.get(name)
        found = {"difference": seen.difference, "chance": seen.chance} if seen else {}
        state = self.so_far.state(name)
        if state == "trains" and self.race is not None and self.race.ended:
            state = "stopped"
        return {"state": state, **found}

    def _ids(self, row: ContenderRecord) -> set[str]:
        """The trials of a contender that are known by now."""
        ids = search_ids(self.study, row, self.records) + chosen_ids(
            self.study, row, self.records, self.race
        )
        return set(ids)
