"""Who gets a further seed, and when a study under a budget is over: a function of its records.

Every contender gets the same search with the first seed. Then come rounds: each contender that is
still racing gets the next seed, and when all have it they are compared on validation. Who is
behind is dropped; of two that are level within the margin the cheaper one goes on. There is no
state beside the records, so a study that was killed, or runs with other workers, decides alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from tunewise.core.lazy import Later
from tunewise.statistics.metrics import upward
from tunewise.store.race import Against, Ended, Left, RaceRecord, Why
from tunewise.store.records import BudgetRecord, StudyRecord
from tunewise.store.trials import TrialRecord
from tunewise.studies.choose import chosen_point, point_id
from tunewise.studies.race.account import Account, searched
from tunewise.studies.rate_search import Records

if TYPE_CHECKING:
    from tunewise.store import answers as stored
    from tunewise.studies.race import look as looking
else:  # they load SciPy, and the first trial does not wait for it
    stored = Later("tunewise.store.answers")
    looking = Later("tunewise.studies.race.look")

LEAST_SEEDS = 3  # before it is said of a pair that further seeds would not decide it
HOPELESS = 0.1  # chance below which seeds are not worth their time

AnswersOf = Callable[[TrialRecord], "stored.Answers"]


def validation_answers(record: TrialRecord) -> stored.Answers:
    """What a finished trial answered on validation."""
    path = record.folder / "predictions" / "validation.parquet"
    return stored.read_answers(path, path.stat().st_mtime_ns)


def race_of(
    study: StudyRecord, records: Records, answers: AnswersOf = validation_answers
) -> RaceRecord | None:
    """Where the race stands; None for a study without a budget.

    `answers` gives what a trial answered on validation; replays give what was recorded.
    """
    if study.budget is None:
        return None
    return _Race(study, study.budget, records, answers).run()


@dataclass
class _Race:
    """A race being decided anew from its beginning."""

    study: StudyRecord
    budget: BudgetRecord
    records: Records
    answers: AnswersOf
    racing: list[str] = field(default_factory=list)  # the best first, once there was a look
    left: list[Left] = field(default_factory=list)
    open: list[Against] = field(default_factory=list)
    looks: int = 0
    leader: str = ""  # the best of the last look, or who goes on for it
    spent: float = 0.0

    def __post_init__(self) -> None:
        self.rows = {row.name: row for row in self.study.contenders}
        self.seeds = dict.fromkeys(self.rows, 1)
        self.points: dict[str, int] = {}
        self.account = Account(self.study, self.budget, self.records)

    def run(self) -> RaceRecord:
        self.spent = self.account.search()
        if not searched(self.study, self.records):
            return self._standing("budget" if self.budget.is_stopped else None)
        for name, row in self.rows.items():
            point = chosen_point(self.study, row, self.records)
            if point is not None:
                self.points[name] = point
        self.references = [name for name in self.points if not self.rows[name].seeded]
        self.racing = sorted(
            (name for name in self.points if self.rows[name].seeded), key=self._first_score
        )
        while True:
            if ended := self._over():
                return self._standing(ended)
            for name in self.racing:
                self.seeds[name] += 1
            if any(self._record(name) is None for name in self.racing):
                if not self.budget.is_stopped:
                    return self._standing(None)
                for name in self.racing:  # a round that was cut short counts for nobody
                    self.seeds[name] -= 1
                return self._standing("budget")
            self._look()

    # Whether there is another round, and for whom

    def _over(self) -> Ended | None:
        """Why there is no further round; else `racing` is who gets the next seed."""
        if not self._undecided():
            undecided = self.open or any(one.why == "open" for one in self.left)
            return "learned" if undecided and self.looks else "decided"
        if self.seeds[self.racing[0]] == len(self.study.seeds):
            return "learned"
        racing, left = [*self.racing], [*self.left]
        while not self._affordable():  # then without those of which a seed would tell least
            least = 1 if self._reference_is_open() else 2
            if len(self.racing) <= least:
                self.racing, self.left = racing, left
                return "budget"
            name = self.racing[-1]
            seen = next((one for one in self.open if one.contender == name), None)
            self._leave(name, "open", seen)
        return None

    def _undecided(self) -> bool:
        """Whether a further seed of those that race could change anything."""
        if not self.racing:
            return False
        if self.looks == 0:
            return len(self.racing) + len(self.references) > 1
        return self._reference_is_open() or any(one.contender in self.racing for one in self.open)

    def _reference_is_open(self) -> bool:
        """Whether somebody that races is still to be told apart from a row without randomness."""
        if self.looks == 0:
            return bool(self.references)
        if self.leader in self.references:
            return any(one.contender in self.racing for one in self.open)
        return any(one.contender in self.references for one in self.open)

    def _affordable(self) -> bool:
        seconds = [self._seconds(name) for name in self.racing]
        dropped = {one.contender for one in self.left if one.why == "behind"}
        tested = {
            name: self.seeds[name] + (name in self.racing)
            for name in self.points
            if name not in dropped
        }
        needed = self.account.round(seconds) + self.account.tests(tested)
        return self.spent + needed <= self.budget.seconds

    # A look, once all who race have the same seeds

    def _look(self) -> None:
        self.spent += self.account.round(
            self.account.seed_seconds(name, [self._id(name, self.seeds[name] - 1)])
            for name in self.racing
        )
        self.looks += 1
        for name in [*self.racing]:
            record = self._record(name)
            if record is None or record.status != "done":
                self._leave(name, "failed", None)
        rows = [*self.racing, *self.references]
        self.open = []
        if len(rows) < 2 or not self.racing:
            return
        sizes = self.study.data.rows
        test = sizes.get("test") or sizes.get("validation") or 1
        ratio = sizes.get("validation", test) / test
        most, margin = len(self.study.seeds), self.study.equivalence_margin
        terms = looking.Terms(self.study.metrics[0], self.looks, most, margin, ratio)
        # The rows with their trials that ended well, seed by seed.
        found = []
        for name in rows:
            ids = [(self.study.seeds[n], self._id(name, n)) for n in range(self.seeds[name])]
            done = [(seed, self.records[id]) for seed, id in ids]
            found.append(_Runs(name, self.rows[name].seeded, tuple(done)))
        seen = _seen_at(tuple(found), terms, self.answers)
        for one in seen.behind:
            self._leave(one.contender, "behind", one)
        self.leader = self._settled(seen)
        self.open = [one for one in seen.open if self._is_open(one)]
        order = [self.leader, *(one.contender for one in self.open)]
        self.racing.sort(key=lambda name: order.index(name) if name in order else len(order))

    def _settled(self, seen: looking.Look) -> str:
        """Of two that are level within the margin the cheaper goes on for both; who leads then."""
        best = seen.best
        for one in seen.equivalent:
            dearer = max((best, one.contender), key=self._dearness)
            best = one.contender if dearer == best else best
            self._leave(dearer, "equivalent", one)
        return best

    def _is_open(self, one: Against) -> bool:
        """Whether seeds may still decide it; a contender of which they may not stops racing."""
        most = max((self.seeds[name] for name in self.racing), default=0)
        if most < LEAST_SEEDS or one.outlook >= HOPELESS:
            return True
        if one.contender in self.references:
            self.left.append(self._as_left(one.contender, "open", one))
        self._leave(one.contender, "open", one)
        return False

    def _leave(self, name: str, why: Why, against: Against | None) -> None:
        if name in self.racing:
            self.racing.remove(name)
            self.left.append(self._as_left(name, why, against))

    def _as_left(self, name: str, why: Why, against: Against | None) -> Left:
        return Left(name, why, self.looks, self.seeds[name], against)

    # What the records say

    def _id(self, name: str, place: int) -> str:
        row = self.rows[name]
        return point_id(self.study, row, self.points[name], self.study.seeds[place])

    def _record(self, name: str) -> TrialRecord | None:
        """Of the last seed that is due."""
        return self.records.get(self._id(name, self.seeds[name] - 1))

    def _seconds(self, name: str) -> float:
        """Of one more seed."""
        if name not in self.points:
            return self.account.seed_seconds(name)
        ids = [self._id(name, place) for place in range(self.seeds[name])]
        return self.account.seed_seconds(name, ids)

    def _dearness(self, name: str) -> tuple[int, float]:
        counted = self.rows[name].parameters
        return counted.trainable if counted else 0, self._seconds(name)

    def _first_score(self, name: str) -> float:
        metric = self.study.metrics[0]
        record = self.records[self._id(name, 0)]
        value = record.metric(metric)
        return math.inf if value is None else -upward(metric, value)

    def _standing(self, ended: Ended | None) -> RaceRecord:
        return RaceRecord(
            seeds={name: tuple(self.study.seeds[: self.seeds[name]]) for name in self.rows},
            looks=self.looks,
            racing=tuple(self.racing),
            left=tuple(self.left),
            open=tuple(self.open),
            ended=ended,
            spent=round(self.spent, 3),
            budget=self.budget.seconds,
            seed_seconds={
                name: round(self._seconds(name), 3) for name, row in self.rows.items() if row.seeded
            },
            by_clock=ended is not None and self.budget.is_stopped,
        )


@dataclass(frozen=True)
class _Runs:
    """A row of a look by its trials, of which it is a function."""

    name: str
    seeded: bool
    trials: tuple[tuple[int, TrialRecord], ...] = field(compare=False)
    places: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        places = tuple(str(record.folder) for _, record in self.trials)
        object.__setattr__(self, "places", places)


@lru_cache(maxsize=256)
def _seen_at(runs: tuple[_Runs, ...], terms: looking.Terms, answers: AnswersOf) -> looking.Look:
    """A look, made once: what comes next is asked for after every job."""
    rows = [
        stored.row_scores(
            one.name,
            {seed: answers(record) for seed, record in one.trials},
            seeded=one.seeded,
        )
        for one in runs
    ]
    return looking.look_at(rows, terms)
