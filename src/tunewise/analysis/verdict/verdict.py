"""The verdict: which contender, how sure, at what cost, in words and as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunewise.analysis.checks import TITLES
from tunewise.analysis.comparability.checks import in_one_line
from tunewise.analysis.evidence import Evidence
from tunewise.analysis.results import Results, Row
from tunewise.analysis.verdict.enough import plain_against_model
from tunewise.analysis.verdict.requirements import Recommendation, recommendation
from tunewise.analysis.verdict.sentences import (
    certainty,
    cost,
    headline,
    nothing_beats,
    outlook,
    so_far,
    waiting,
)
from tunewise.core.format import listed
from tunewise.core.lazy import Later
from tunewise.core.sanitize import shown

if TYPE_CHECKING:
    from tunewise.reports.outputs import notebook
else:  # what shows a fact lies above it, and is loaded when a notebook asks
    notebook = Later("tunewise.reports.outputs.notebook")


@dataclass(frozen=True)
class Verdict:
    """What to do, and why it may be believed.

    `fastest`, `leanest`, `cost`, `within` and `fairness` rest on what was measured; all else is
    computed. `tied` are not shown to be worse than the best on these examples; of
    `not_shown_over_seeds` the checkpoints are, and the methods are not. Of a study that has not
    finished all is so far; while no contender has a score, there is no best one, and nothing of
    what follows from it.
    """

    headline: str
    finished: bool
    to_come: dict[str, tuple[int, int]]  # trainings and tests that a contender still needs
    best: str | None
    tied: tuple[str, ...]
    not_shown_over_seeds: tuple[str, ...]
    cheapest: str | None  # fewest trainable parameters among the best and those tied with it
    fastest: str | None  # least time among them
    leanest: str | None  # smallest peak of memory among them
    enough: str | None  # without a model, and shown to be as good as the best with one
    certainty: tuple[str, ...]  # about these trained models, then about the methods
    outlook: str | None  # who is behind, and what would settle the ties
    cost: str | None  # what the cheapest and the fastest save
    notes: tuple[str, ...]  # what to know before believing the rest
    within: Recommendation | None  # the choice within the study's limits, where it names any
    fairness: str  # one line: what differs between rows beside the method

    def _repr_html_(self) -> str:
        return notebook.verdict_cell(self)


def verdict(evidence: Evidence, results: Results) -> Verdict:
    """Judge a study as far as it has come."""
    to_come = {one.name: one.to_come for one in evidence.contenders if any(one.to_come)}
    best, tied = results.best, results.standing("tied")
    # By score: of equally cheap ones the better. What always says one thing saves nothing.
    useful = [row for row in tied if not evidence.by_name[row.name].described.constant]
    leaders = [best, *useful] if best else []
    known = all(row.trainable is not None for row in leaders) or evidence.study.elsewhere is None
    # What uses no network has no parameters; of runs made elsewhere they may be unknown.
    cheapest = _least(leaders, lambda row: row.trainable or 0) if known else None
    fastest = _least(leaders, lambda row: row.measured.seconds)
    leanest = _least(leaders, lambda row: row.measured.peak_bytes)
    learned_nothing = {one.name for one in evidence.contenders if one.learned_nothing}
    plain = plain_against_model(results, learned_nothing) if best else None
    if best and not to_come and evidence.by_name[best.name].described.constant:
        unfinished = nothing_beats(results, best)
    elif best and not to_come:
        unfinished = headline(results, best, cheapest, plain)
    else:
        unfinished = f"{waiting(to_come)} {so_far(results, best)}".strip()
    return Verdict(
        headline=unfinished,
        finished=not to_come,
        to_come=to_come,
        best=best.name if best else None,
        tied=tuple(row.name for row in tied),
        not_shown_over_seeds=tuple(row.name for row in results.standing("not-shown-over-seeds")),
        cheapest=cheapest.name if cheapest else None,
        fastest=fastest.name if fastest else None,
        leanest=leanest.name if leanest else None,
        enough=plain.row.name if plain and plain.shown and not to_come else None,
        certainty=certainty(results, best) if best else (),
        outlook=outlook(results) if best else None,
        cost=cost(best, cheapest, fastest, leanest) if best else None,
        notes=tuple(_notes(evidence, results)),
        within=recommendation(evidence.study.require, results),
        fairness=in_one_line(evidence),
    )


def _least(rows: list[Row], measured: Callable[[Row], float | None]) -> Row | None:
    """The row with the least of something; None where it was measured of none."""
    known = [(value, row) for row in rows if (value := measured(row)) is not None]
    return min(known, key=lambda one: one[0])[1] if known else None


def _notes(evidence: Evidence, results: Results) -> Iterator[str]:
    """What rests on validation, what leaked, what failed, what is missing, what is damaged."""
    if results.best and results.split == "validation":
        why = "has not been opened yet" if evidence.data.has_test else "does not exist"
        yield (
            "This rests on the validation split, by which search points were chosen too, because "
            f"a test split {why}. It flatters whoever was searched most."
        )
    if reason := evidence.data.accept_leakage:
        yield (
            f"The splits share texts, and the study accepts that: “{shown(str(reason))}”. "
            "Scores may be too high."
        )
    for row in results.out_of_time:
        yield (
            f"{shown(row.name)} has no score: the budget was spent before its search was over. "
            "More time, such as --budget +5min, goes on from there."
        )
    for row in results.failed:
        kept = f" {len(row.seeds)} of its seeds ended well." if row.seeds else ""
        yield f"{shown(row.name)} failed ({row.status}).{kept}"
    # A sentence for each check; the first training that did not pass it is reported in full.
    found: dict[str, list[tuple[str, str]]] = {}
    for contender in evidence.contenders:
        name = shown(contender.name)
        for trial in contender.finished:
            for check in trial.record.result.checks:
                if check.passed is False:  # None: could not be judged
                    detail = shown(check.detail).removesuffix(".")
                    account = f"{name}, seed {trial.seed}{detail and f': {detail}'}."
                    title = shown(TITLES.get(check.name, check.name))
                    found.setdefault(title, []).append((name, account))
    for title, trainings in found.items():
        names = list(dict.fromkeys(name for name, _ in trainings))
        many = f" in {len(trainings):,} trainings, of {listed(names)}. The first is"
        where = many if len(trainings) > 1 else " for"
        yield f"The check “{title}” failed{where} {trainings[0][1]}"
    for row in results.standing("untested"):
        if row.to_best is not None:
            yield f"{shown(row.name)} against the best: {row.to_best.items.reason}."
    for fault in evidence.damaged:  # by its place in the study's folder: a report may be handed on
        says = fault.says.replace(f"{evidence.path}/", "")
        yield f"Damaged, and not used: {shown(says)}"
