"""A gate for loops that change something, look, and keep or revert.

Each look compares a candidate with the best so far by the tests of a verdict, one side at a time.
The error for false keeps is spent over all looks (`statistics.looks`), so it holds however long
the loop runs and whenever somebody looks. A false "worse" has an error of its own, of the same
size and spent in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tunewise.analysis.comparisons import RESAMPLES_BESIDE
from tunewise.core.canonical import digest
from tunewise.core.errors import DamagedFile, InputError, Problem
from tunewise.core.files import read_hashed, write_hashed
from tunewise.judging.answers import answered
from tunewise.judging.asked import Asked
from tunewise.judging.examples import on_the_same_examples
from tunewise.judging.given import Given, is_several, run_of
from tunewise.judging.runs import Run
from tunewise.statistics.claims import Meeting, Terms, items_test, method_test
from tunewise.statistics.looks import fraction_of_look, level_of_look
from tunewise.statistics.metrics import METRICS
from tunewise.statistics.paired import RANDOMIZATIONS
from tunewise.statistics.score_matrix import group_by_examples
from tunewise.store.answers import row_scores
from tunewise.store.json_record import OPTIONAL, JSONRecord, NotARecord
from tunewise.store.lock import exclusive
from tunewise.store.trials import refuse_newer

Decision = Literal["better", "tied", "worse"]
EXIT_CODES: dict[Decision, int] = {"better": 0, "tied": 3, "worse": 4}
ALPHA = 0.05
SCHEMA = 1
PATIENCE = 60.0  # seconds that a look waits for another one at the same state
CANDIDATE, BEST = "candidate", "best"


@dataclass(frozen=True)
class Look(JSONRecord):
    """What one look found.

    `difference` is candidate minus best, `interval` its 95 % interval at this look alone. `p` is
    one-sided, for "better", and is held against `level`; `p_worse` against `level_worse`.
    `needed_examples` would show a difference as large as this one at this look's level, in 80 of
    100 such looks. `answers` identifies what was compared.
    """

    look: int
    decision: Decision
    metric: str
    candidate: float
    best: float
    difference: float
    interval: tuple[float, ...]
    p: float
    level: float
    p_worse: float
    level_worse: float
    examples: int
    runs: tuple[int, ...]  # of candidate and best
    test: str
    alpha: float
    needed_examples: int | None = None
    answers: str = ""
    repeated: bool = field(default=False, metadata=OPTIONAL)  # the same answers as the last look

    @property
    def keep(self) -> bool:
        return self.decision == "better"

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.decision]

    def line(self) -> dict[str, Any]:
        """What a program reads."""
        return {"keep": self.keep, **self.as_json(), "repeated": self.repeated}


@dataclass(frozen=True)
class _State(JSONRecord):
    """What is remembered between looks."""

    alpha: float
    metric: str
    looks: tuple[Look, ...] = ()


class Gate:
    """Decides change after change whether it is kept; at most `alpha` ever keep what is not better.

    Args:
        state: the file that remembers the looks; made at the first. None for one look alone,
            which is a two-sided test at `alpha`.
        alpha: the chance of any false keep over all looks.

    The promise is about candidates that were made without the examples they are judged on: a
    loop that trains on its test set is not protected by any gate.
    """

    def __init__(self, state: Path | str | None, *, alpha: float = ALPHA) -> None:
        if not 0 < alpha < 1:
            raise InputError(f"alpha = {alpha:g}: a chance above 0 and below 1 is needed.")
        self.path = None if state is None else Path(state)
        if self.path is not None and self.path.is_dir():
            message = "is a folder; a gate remembers its looks in a file."
            raise InputError([Problem(str(state), message)])
        if self.path is not None and not self.path.parent.is_dir():
            message = f"there is no folder {self.path.parent} to keep the state of a gate in."
            raise InputError([Problem(str(state), message)])
        self.alpha = alpha

    def look(
        self, candidate: Given, best: Given, *, metric: str | None = None, shared: bool = False
    ) -> Look:
        """Compare a candidate with the best so far, and remember it.

        Args:
            candidate: a run as `tunewise.judge` takes it, or a list of runs, one a seed.
            best: the same of what is to be beaten.
            metric: by name; None to take the one that the columns suggest.
            shared: judge by the examples that all runs have.

        Raises:
            InputError: the runs cannot be compared, or the state is of another gate.
        """
        asked = Asked(metric=metric, shared=shared)
        return self.look_at(_runs(candidate, CANDIDATE, asked), _runs(best, BEST, asked), asked)

    def look_at(self, candidate: Sequence[Run], best: Sequence[Run], asked: Asked) -> Look:
        """The same of runs that were read."""
        rows = _Rows.of(candidate, best, asked)
        if self.path is None:
            return self._decided(rows, 1, self.alpha / 2, self.alpha / 2)
        lock = self.path.with_name(f".{self.path.name}.lock")
        in_use = exclusive(lock, str(self.path), option="--gate", patience_seconds=PATIENCE)
        with in_use:  # looks at the same time wait for one another
            state = self._read(rows.metric)
            if state.looks and state.looks[-1].answers == rows.answers:
                return Look.from_json({**state.looks[-1].as_json(), "repeated": True})
            number = len(state.looks) + 1
            level = level_of_look([one.keep for one in state.looks], alpha=self.alpha)
            found = self._decided(rows, number, level, self.alpha * fraction_of_look(number))
            # Written before anybody learns of it: a look that was seen and forgotten would be free.
            looks = [*(one.as_json() for one in state.looks), found.as_json()]
            content = {"schema": SCHEMA, "alpha": self.alpha, "metric": rows.metric, "looks": looks}
            write_hashed(self.path, content)
        return found

    def _read(self, metric: str) -> _State:
        assert self.path is not None
        if not self.path.exists():
            return _State(self.alpha, metric)
        try:
            content = read_hashed(self.path)
            refuse_newer(self.path, content)
            state = _State.from_json(content)
        except (DamagedFile, NotARecord) as error:
            message = f"is no state of a gate, or not what was written ({error})."
            raise InputError([Problem(str(self.path), message)]) from error
        for what, ours, theirs in (
            ("alpha", self.alpha, state.alpha),
            ("metric", metric, state.metric),
        ):
            if ours != theirs:
                message = f"has {what} = {theirs}, not {ours}. Keep it, or begin another state."
                raise InputError([Problem(str(self.path), message)])
        return state

    def _decided(self, rows: _Rows, number: int, level: float, level_worse: float) -> Look:
        p_better, p_worse, test = rows.p_values(min(level, level_worse), seed=number)
        decision: Decision = "tied"
        if p_better <= level:
            decision = "better"
        elif p_worse <= level_worse:
            decision = "worse"
        ours, theirs = rows.means
        return Look(
            look=number,
            decision=decision,
            metric=rows.metric,
            candidate=ours,
            best=theirs,
            difference=ours - theirs,
            interval=tuple(rows.meeting.over_examples.interval(0.95)),
            p=p_better,
            level=level,
            p_worse=p_worse,
            level_worse=level_worse,
            examples=rows.meeting.group.items,
            runs=rows.runs,
            test=test,
            alpha=self.alpha,
            needed_examples=rows.meeting.needed_examples(2 * level),
            answers=rows.answers,
        )


@dataclass(frozen=True)
class _Rows:
    """Candidate and best over the same examples."""

    meeting: Meeting
    metric: str
    answers: str

    @classmethod
    def of(cls, candidate: Sequence[Run], best: Sequence[Run], asked: Asked) -> _Rows:
        runs = [*candidate, *best]
        for run in runs:
            if run.sheet is None:
                why = run.error or "it has a score and no answers to single examples"
                raise InputError([Problem(run.place, f"a gate cannot judge it: {why}.")])
        same, _ = on_the_same_examples(runs, shared=asked.shared)
        found = answered(same, asked.metric)
        rows = [
            row_scores(name, dict(enumerate(own)))
            for name, own in (
                (CANDIDATE, found.answers[: len(candidate)]),
                (BEST, found.answers[len(candidate) :]),
            )
        ]
        metric = METRICS[found.metrics[0]]
        rng, resamples = np.random.default_rng(0), 0 if metric.is_mean else RESAMPLES_BESIDE
        group = group_by_examples(rows, metric, rng=rng, resamples=resamples)[0]
        by_name = {row.name: row for row in group.rows}
        meeting = Meeting(by_name[CANDIDATE], by_name[BEST], group, metric)
        content = [
            [
                *(one.ids, one.labels.tolist(), one.choices.tolist()),
                {name: values.tolist() for name, values in (one.scores or {}).items()},
            ]
            for one in found.answers
        ]
        return cls(meeting, metric.name, digest(content))

    @property
    def means(self) -> tuple[float, float]:
        group = self.meeting.group
        return (
            float(group.scores(self.meeting.row).mean()),
            float(group.scores(self.meeting.other).mean()),
        )

    @property
    def runs(self) -> tuple[int, int]:
        return len(self.meeting.row.seeds), len(self.meeting.other.seeds)

    def p_values(self, level: float, *, seed: int) -> tuple[float, float, str]:
        """One-sided p values for better and for worse, of the claim with the larger one."""
        terms = Terms(self.meeting.metric, 1 - 2 * level, 1, None, RANDOMIZATIONS)
        claims = [
            items_test(self.meeting, terms, rng=np.random.default_rng(seed)),
            method_test(self.meeting),
        ]
        p, test = max((one.p, str(one.test)) for one in claims if one.p is not None)
        ours, theirs = self.means
        ahead = ours - theirs if self.meeting.metric.higher_is_better else theirs - ours
        if ahead == 0:
            return 1.0, 1.0, test
        return (p / 2, 1 - p / 2, test) if ahead > 0 else (1 - p / 2, p / 2, test)


def _runs(given: Given, name: str, asked: Asked) -> list[Run]:
    """One run or several."""
    scores = isinstance(given, list) and given and isinstance(given[0], int | float)
    runs = given if is_several(given) and not scores else [given]
    return [run_of(one, f"{name}, run {number}", asked) for number, one in enumerate(runs)]
