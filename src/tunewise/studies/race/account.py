"""What a race has spent and what its next round takes: predicted seconds of trials, never clocks.

A trial costs its steps, which its record tells, times the predicted seconds of one; a trial to come
has as many steps as those of its contender had on average. A budget in trials knows predictions
alone: whatever a search or a training takes, it counts as one training of its contender.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from tunewise.store.identity import RUNG, trial_of
from tunewise.store.records import BudgetRecord, ContenderRecord, PriceRecord, StudyRecord
from tunewise.studies.choose import search_ids
from tunewise.studies.rate_search import Records

SLOWEST = 10.0  # times as slow or as fast as predicted: beyond it something else was measured


def makespan(jobs: Iterable[float], workers: int) -> float:
    """Seconds until all are done, the longest first, each worker taking the next when it is free.

    >>> makespan([3.0, 2.0, 2.0], 2)
    4.0
    """
    free = [0.0] * max(1, workers)
    for seconds in sorted(jobs, reverse=True):
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)


def worth(study: StudyRecord, budget: BudgetRecord, trials: float) -> float:
    """Predicted seconds of so many trainings of each contender, tests included.

    The first of them stands for the search.
    """
    account = Account(study, replace(budget, clocked=False), {})
    seeds = {row.name: math.ceil(trials) if row.seeded else 1 for row in study.contenders}
    return trials * account.search() + account.tests(seeds)


@dataclass(frozen=True)
class Account:
    """The costs of a study under a budget, by the records that there are."""

    study: StudyRecord
    budget: BudgetRecord
    records: Records

    @property
    def speed(self) -> float:
        return (self.budget.speed or 1.0) if self.budget.clocked else 1.0

    def price(self, name: str) -> PriceRecord:
        return self.budget.prices.get(name, PriceRecord())

    def search(self) -> float:
        """Of all that came before the second seed, the preparation included."""
        if not self.budget.clocked:
            seeded = [row.name for row in self.study.contenders if row.seeded]
            return self.round(map(self.seed_seconds, seeded))
        jobs = [one for row in self.study.contenders for one in self._searched(row).values()]
        longest = max(jobs, default=0.0)
        together = max(sum(jobs) / max(1, self.budget.workers), longest)
        return self.budget.around + self.speed * together

    def seed_seconds(self, name: str, ids: Sequence[str] = ()) -> float:
        """Of one more seed; `ids` are its trials of before, which tell the steps it takes."""
        price = self.price(name)
        ids = ids if self.budget.clocked else ()
        known = [record.result.steps for id in ids if (record := self.records.get(id))]
        counted = [steps for steps in known if steps]
        steps = fmean(counted) if counted else price.steps[0]
        return self.speed * (price.around + steps * price.step)

    def round(self, seconds: Iterable[float]) -> float:
        """Of trials side by side."""
        return makespan(seconds, self.budget.workers)

    def tests(self, seeds: Mapping[str, int]) -> float:
        """Of scoring so many trials of each contender on the test split."""
        if not self.study.plans_tests:
            return 0.0
        jobs = [
            self.speed * self.price(name).test
            for name, count in seeds.items()
            for _ in range(count)
        ]
        return self.round(jobs)

    def _searched(self, row: ContenderRecord) -> dict[str, float]:
        """Predicted seconds of each training of a search, by its id, as far as it went."""
        price, found = self.price(row.name), dict[str, float]()
        steps: dict[str, int] = {}
        for id in search_ids(self.study, row, self.records):
            if (record := self.records.get(id)) is None:
                continue
            trial, _, rung = id.partition(RUNG)
            found[trial] = found.get(trial, 0.0) + price.around
            steps[trial] = max(steps.get(trial, 0), int(rung or record.result.steps or 0))
        return {trial: found[trial] + steps[trial] * price.step for trial in found}

    def measured(self) -> float | None:
        """How many times as long as predicted the searches took; None where nothing tells."""
        took = predicted = 0.0
        for row in self.study.contenders:
            expected = self._searched(row)
            seconds: dict[str, float] = {}
            for id in search_ids(self.study, row, self.records):
                record = self.records.get(id)
                total = record.costs.total_seconds if record else None
                if total is not None and record is not None and record.status == "done":
                    trial = trial_of(id)  # the last record of a training tells of all of it
                    seconds[trial] = max(seconds.get(trial, 0.0), total)
            took += sum(seconds.values())
            predicted += sum(expected[trial] for trial in seconds)
        return min(SLOWEST, max(1 / SLOWEST, took / predicted)) if took and predicted else None


def with_speed(study: StudyRecord, records: Records) -> StudyRecord:
    """The study with the speed at which its searches ran, once they are over; it stays so then."""
    budget = study.budget
    if budget is None or budget.speed is not None or not searched(study, records):
        return study
    speed = Account(study, budget, records).measured()
    return replace(study, budget=replace(budget, speed=1.0 if speed is None else round(speed, 3)))


def searched(study: StudyRecord, records: Records) -> bool:
    """Whether every search is over."""
    return all(id in records for row in study.contenders for id in search_ids(study, row, records))
