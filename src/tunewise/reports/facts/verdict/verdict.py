"""The verdict: which contender, how sure, at what cost, in words and as data."""

from __future__ import annotations

from dataclasses import dataclass

from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.facts.checks import TITLES
from tunewise.reports.facts.comparability.checks import fairness, summary
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.results import Results, Row
from tunewise.reports.facts.verdict.enough import plain_against_model
from tunewise.reports.facts.verdict.requirements import Recommendation, recommendation
from tunewise.reports.facts.verdict.sentences import (
    certainty,
    cost,
    headline,
    outlook,
    so_far,
    waiting,
)


@dataclass(frozen=True)
class Verdict:
    """What to do, and why it may be believed.

    `fastest`, `leanest`, `cost`, `within` and `fairness` rest on what was measured; all else is
    computed. `tied` are not shown to be worse than the best on these items; `behind_as_trained`
    are, and are tied with it as methods. Of a study that has not finished all is so far.
    """

    headline: str
    finished: bool
    to_come: dict[str, tuple[int, int]]  # trainings and tests that a contender still needs
    best: str | None
    tied: tuple[str, ...]
    behind_as_trained: tuple[str, ...]
    cheapest: str | None  # fewest trained numbers among the best and those tied with it
    fastest: str | None  # least time among them
    leanest: str | None  # smallest peak of memory among them
    enough: str | None  # without a model, and shown to be as good as the best with one
    certainty: tuple[str, ...]  # about these trained models, then about the methods
    outlook: str | None  # who is behind, and what would settle the ties
    cost: str | None  # what the cheapest and the fastest save
    notes: tuple[str, ...]  # what to know before believing the rest
    within: Recommendation | None  # the choice within the study's limits, where it names any
    fairness: str  # one line: what differs between rows beside the method


def verdict(evidence: Evidence, results: Results) -> Verdict:
    """Judge a study as far as it has come."""
    best = results.best
    if best is None:
        return _without_results(evidence, results)
    leaders = [best, *results.standing("tied")]  # by score: of equally cheap ones the better
    cheapest = min(leaders, key=_trained_numbers)
    fastest = min(leaders, key=_seconds)
    leanest = min(leaders, key=_peak)
    plain = plain_against_model(results, _learned_nothing(evidence))
    to_come = _to_come(evidence)
    said = f"{waiting(to_come)} {so_far(results, best)}" if to_come else ""
    return Verdict(
        headline=said or headline(results, best, cheapest, plain),
        finished=not to_come,
        to_come=to_come,
        best=best.name,
        tied=tuple(row.name for row in results.standing("tied")),
        behind_as_trained=tuple(row.name for row in results.standing("behind-as-trained")),
        cheapest=cheapest.name,
        fastest=None if fastest.measured.seconds is None else fastest.name,
        leanest=None if leanest.measured.peak_bytes is None else leanest.name,
        enough=plain.row.name if plain and plain.shown and not to_come else None,
        certainty=certainty(results, best),
        outlook=outlook(results),
        cost=cost(best, cheapest, fastest, leanest),
        notes=_notes(evidence, results),
        within=recommendation(evidence.study.require, results),
        fairness=summary(fairness(evidence)),
    )


def _without_results(evidence: Evidence, results: Results) -> Verdict:
    to_come = _to_come(evidence)
    none = "No contender has a result yet." if to_come else "No contender has a score."
    return Verdict(
        headline=f"{waiting(to_come)} {none}".strip(),
        finished=not to_come,
        to_come=to_come,
        best=None,
        tied=(),
        behind_as_trained=(),
        cheapest=None,
        fastest=None,
        leanest=None,
        enough=None,
        certainty=(),
        outlook=None,
        cost=None,
        notes=_notes(evidence, results),
        within=recommendation(evidence.study.require, results),
        fairness=summary(fairness(evidence)),
    )


def _to_come(evidence: Evidence) -> dict[str, tuple[int, int]]:
    found = {contender.name: contender.to_come for contender in evidence.contenders}
    return {name: numbers for name, numbers in found.items() if any(numbers)}


def _learned_nothing(evidence: Evidence) -> set[str]:
    """What was trained by steps and learned nothing under some seed."""
    return {
        contender.name
        for contender in evidence.contenders
        if contender.training and any(trial.learned_nothing for trial in contender.finished)
    }


def _notes(evidence: Evidence, results: Results) -> tuple[str, ...]:
    """What rests on validation, what leaked, what failed, what is missing."""
    return (
        *_about_the_split(evidence, results),
        *_about_failures(evidence, results),
        *_about_what_is_missing(results),
        *_about_damage(evidence),
    )


def _about_the_split(evidence: Evidence, results: Results) -> list[str]:
    notes = []
    if results.best and results.split == "validation":
        why = "has not been opened yet" if evidence.data.has_test else "does not exist"
        notes.append(
            "This rests on the validation split, by which search points were chosen too, because "
            f"a test split {why}. It flatters whoever was searched most."
        )
    reason = evidence.data.accept_leakage
    if reason:
        notes.append(
            f"The splits share texts, and the study accepts that: “{shown(str(reason))}”. "
            "Scores may be too high."
        )
    return notes


def _about_failures(evidence: Evidence, results: Results) -> list[str]:
    notes = []
    for row in results.failed:
        kept = f" {len(row.seeds)} of its seeds ended well." if row.seeds else ""
        notes.append(f"{shown(row.name)} failed ({row.status}).{kept}")
    return notes + _about_checks(evidence)


def _about_checks(evidence: Evidence) -> list[str]:
    """A sentence a check, however many trainings did not pass it: the first is told in full."""
    found: dict[str, list[tuple[str, str]]] = {}
    for contender in evidence.contenders:
        for trial in contender.finished:
            for check in trial.record.result.checks:
                if check.passed is False:  # None: could not be judged
                    title = TITLES.get(check.name, check.name)
                    detail = shown(check.detail).removesuffix(".")
                    told = f"{shown(contender.name)}, seed {trial.seed}{detail and f': {detail}'}."
                    found.setdefault(shown(title), []).append((shown(contender.name), told))
    return [_failed(title, trainings) for title, trainings in found.items()]


def _failed(title: str, trainings: list[tuple[str, str]]) -> str:
    told = trainings[0][1]
    if len(trainings) == 1:
        return f"The check “{title}” failed for {told}"
    names = dict.fromkeys(name for name, _ in trainings)
    return (
        f"The check “{title}” failed in {len(trainings):,} trainings, of {listed(list(names))}. "
        f"The first is {told}"
    )


def _about_what_is_missing(results: Results) -> list[str]:
    return [
        f"{shown(row.name)} against the best: {row.to_best.items.reason}."
        for row in results.standing("untested")
        if row.to_best is not None
    ]


def _about_damage(evidence: Evidence) -> list[str]:
    """What is damaged, by its place in the study's folder: a report may be handed on."""
    return [
        f"Damaged, and not used: {shown(fault.says.replace(f'{evidence.path}/', ''))}"
        for fault in evidence.damaged
    ]


def _trained_numbers(row: Row) -> int:
    """Trained numbers of the network; what uses no network has none."""
    return row.parameters.trainable if row.parameters else 0


def _seconds(row: Row) -> float:
    return float("inf") if row.measured.seconds is None else row.measured.seconds


def _peak(row: Row) -> float:
    return float("inf") if row.measured.peak_bytes is None else row.measured.peak_bytes
