"""The first verdict of a run: what the first seeds tell on validation while others still train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunewise.core.lazy import Later
from tunewise.store.race import Against
from tunewise.store.records import StudyRecord
from tunewise.store.trials import TrialRecord
from tunewise.studies.choose import chosen_point, point_id
from tunewise.studies.race.race import AnswersOf, validation_answers
from tunewise.studies.rate_search import Records

if TYPE_CHECKING:
    from tunewise.store.answers import Answers
    from tunewise.studies.race import look as looking
else:  # it loads SciPy, and the first trial does not wait for it
    looking = Later("tunewise.studies.race.look")

MOST_ROWS = 12  # contenders that are compared as often as a training ends
LIKELY = 0.025  # chance of a lag, below which it is called one


@dataclass(frozen=True)
class SoFar:
    """The best contender of those whose first seed is done, and every other one beside it."""

    best: str
    others: Mapping[str, Against]

    def state(self, name: str) -> str:
        """One word on a contender: it leads, is behind, may be level, or is not yet trained."""
        if name == self.best:
            return "leads"
        seen = self.others.get(name)
        if seen is None:
            return "trains"
        return "behind" if seen.chance < LIKELY else "open"

    def __str__(self) -> str:
        behind = [name for name in self.others if self.state(name) == "behind"]
        open_ones = [name for name in self.others if self.state(name) == "open"]
        parts = [f"{self.best} leads"]
        parts += [f"behind by more than chance: {', '.join(behind)}"] if behind else []
        parts += [f"not told apart from it: {', '.join(open_ones)}"] if open_ones else []
        return f"So far, on validation: {'; '.join(parts)}."


class FirstSeeds:
    """Compares first seeds, and again only where another one is done."""

    def __init__(self, study: StudyRecord, answers: AnswersOf = validation_answers) -> None:
        self.study, self.answers = study, answers
        self._compared: tuple[str, ...] = ()
        self._found: SoFar | None = None

    def look(self, records: Records) -> SoFar | None:
        """None before two contenders are done, and where there are more than can be compared."""
        done = self._done(records)
        if not 2 <= len(done) <= MOST_ROWS:
            return None
        ids = tuple(record.id for record in done.values())
        if ids != self._compared:
            self._compared, self._found = ids, self._look(done)
        return self._found

    def _done(self, records: Records) -> dict[str, TrialRecord]:
        """The trial of the chosen point with the first seed, of each contender that has one."""
        found = {}
        for row in self.study.contenders:
            point = chosen_point(self.study, row, records)
            if point is None:
                continue
            record = records.get(point_id(self.study, row, point, self.study.seeds[0]))
            if record is not None and record.status == "done":
                found[row.name] = record
        return found

    def _look(self, done: Mapping[str, TrialRecord]) -> SoFar | None:
        runs: dict[str, Answers] = {}
        for name, record in done.items():
            try:
                runs[name] = self.answers(record)
            except OSError:  # cleared away by hand: the run itself says so where it matters
                continue
        if len(runs) < 2:
            return None
        best, others = looking.by_examples(runs, self.study.metrics[0])
        return SoFar(best, others)
