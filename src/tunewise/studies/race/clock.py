"""The clock of a study under a budget: it decides nothing, but it ends what predictions missed."""

from __future__ import annotations

import time
from pathlib import Path

from tunewise.store.race import RaceRecord, read_clock, write_clock
from tunewise.store.records import StudyRecord
from tunewise.studies.choose import search_ids
from tunewise.studies.race.account import Account
from tunewise.studies.rate_search import Records

REPORT_SECONDS = 15.0  # for the report, which the budget includes
EVERY = 5.0  # seconds between two notes of how much was taken


class Clock:
    """Seconds that the launches of a study have taken, this one included."""

    def __init__(self, study: Path, began: float) -> None:
        self.study, self.began = study, began
        self.before = read_clock(study)
        self.noted = 0.0

    @property
    def seconds(self) -> float:
        return self.before + time.monotonic() - self.began

    def note(self, *, every: float = EVERY) -> None:
        """Keep what was taken, every few seconds: a kill forgets no more than those."""
        if self.seconds - self.noted > every:
            self.noted = self.seconds
            write_clock(self.study, self.seconds)


def time_is_up(
    study: StudyRecord, records: Records, race: RaceRecord | None, seconds: float
) -> bool:
    """Whether trainings must end now, so that tests and report stay within the budget.

    What needs no model is waited for: it takes seconds, and without it a machine that was too busy
    to train anything would have no answer at all.
    """
    budget = study.budget
    plain = [row for row in study.contenders if row.model is None]
    if any(id not in records for row in plain for id in search_ids(study, row, records)):
        return False
    if race is None or race.ended or budget is None or not budget.clocked or budget.is_stopped:
        return False
    tested = {name: len(seeds) for name, seeds in race.seeds.items() if name not in race.dropped}
    account = Account(study, budget, records)
    reserve = REPORT_SECONDS * max(1.0, account.speed) + account.tests(tested)
    return seconds > budget.seconds - reserve
