"""What results of PEFT's method comparison support: intervals, ties, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from tunewise.core.canonical import JSONObject
from tunewise.core.format import count, duration, listed, percent, points, probability, size
from tunewise.core.sanitize import shown
from tunewise.reports.document.model import (
    Badge,
    Block,
    Column,
    Named,
    Paragraph,
    Section,
    Table,
    or_empty,
)
from tunewise.reports.facts.peft.files import EXAMPLES, SUCCESS, Experiment
from tunewise.statistics.corrections import holm
from tunewise.statistics.intervals import Interval, wilson
from tunewise.statistics.proportions import Proportions, two_proportions

ALPHA = 0.05
MEASURED = ("seconds", "peak_bytes", "artefact_bytes")
TEST = "two-proportion test, unpaired"
KEY = "95 %: Wilson. gap in points to the best; p: two-proportion test, unpaired, Holm."
UNTESTED = (
    "There are no answers to single examples, so no test can pair them: the two-proportion test "
    "takes the two sets of answers as independent. They are to the same examples, so it may "
    "miss differences that a paired test would show.",
    "Each experiment has one seed: it supports no claim about the methods over seeds.",
)


Standing = Literal["best", "tied", "behind", "unscored"]


@dataclass(frozen=True)
class Scored:
    """An experiment with its place. `to_best` is this minus the best; None for the best."""

    experiment: Experiment
    accuracy: float | None
    interval: Interval | None
    to_best: Proportions | None
    p_adjusted: float | None
    standing: Standing


@dataclass(frozen=True)
class Standings:
    """All experiments, best first, those without a score last."""

    rows: tuple[Scored, ...]
    pairs_counted: int
    notes: tuple[str, ...]

    @property
    def best(self) -> Scored | None:
        return next((row for row in self.rows if row.standing == "best"), None)

    @property
    def tied(self) -> tuple[Scored, ...]:
        return tuple(row for row in self.rows if row.standing == "tied")


def standings(experiments: Sequence[Experiment]) -> Standings:
    """Rank experiments and find those that cannot be distinguished from the best.

    The best is picked by the scores that are compared, so Holm counts every pair of them.
    """
    ranked = [(one.right, one) for one in experiments if one.right is not None]
    ranked.sort(key=lambda pair: -pair[0])
    pairs = list(combinations(ranked, 2))
    found = [two_proportions(right, EXAMPLES, best, EXAMPLES) for (best, _), (right, _) in pairs]
    adjusted = holm([one.p for one in found]).tolist() if found else []
    # The pairs of the first come first: each of the others against the best.
    to_best = [(None, None), *zip(found, adjusted, strict=True)]
    rows = [
        Scored(one, right / EXAMPLES, wilson(right, EXAMPLES), pair, p, _standing(p))
        for (right, one), (pair, p) in zip(ranked, to_best, strict=False)
    ]
    rows += [
        Scored(one, None, None, None, None, "unscored") for one in experiments if one.right is None
    ]
    return Standings(tuple(rows), len(pairs), _notes(experiments, [one for _, one in ranked]))


def _standing(p: float | None) -> Standing:
    if p is None:
        return "best"
    return "behind" if p < ALPHA else "tied"


def standings_record(found: Standings) -> JSONObject:
    """Everything as JSON values."""
    return {
        "source": "peft",
        "items": EXAMPLES,
        "metric": "accuracy",
        "test": TEST,
        "pairs_counted": found.pairs_counted,
        "best": found.best.experiment.name if found.best else None,
        "tied": [row.experiment.name for row in found.tied],
        "contenders": [_row_record(row) for row in found.rows],
        "notes": found.notes,
    }


def standings_table(found: Standings) -> Table:
    """A row for each experiment, for the terminal and as CSV."""
    columns = (
        Column("Experiment", "experiment", of=_named, number=False),
        Column("", "status", of="experiment.status"),
        Column("Test", "test accuracy", percent, "accuracy"),
        Column("", "low", of="interval.low"),
        Column("", "high", of="interval.high"),
        Column("95 %", None, lambda ends: "–".join(map(percent, ends)) if ends else "", "interval"),
        Column("Gap", "difference", or_empty(points), "to_best.difference"),
        Column("", "difference low", of="to_best.interval.low"),
        Column("", "difference high", of="to_best.interval.high"),
        Column("p", "p holm", or_empty(probability), "p_adjusted"),
        Column("", "standing", of="standing"),
        Column("Trainable", "trained", count, "experiment.trained"),
        Column("Time", "train seconds", duration, "experiment.seconds"),
        Column("Peak", "peak bytes", size, "experiment.peak_bytes"),
        Column("", "artefact bytes", of="experiment.artefact_bytes"),
    )
    best = frozenset(n for n, row in enumerate(found.rows) if row.standing == "best")
    caption = f"PEFT's method comparison, {EXAMPLES:,} examples of GSM8K"
    return Table.about("peft", caption, columns, found.rows, strong=best)


def _named(row: Scored) -> Named:
    badges = [Badge(row.standing)] if row.standing == "tied" else []
    status = row.experiment.status
    badges += [Badge(status, "bad")] if status != SUCCESS else []
    return Named(row.experiment.name, 0, tuple(badges))


def standings_section(found: Standings) -> Section:
    """Who leads, who is not distinguishable from it, the table, and what it does not show."""
    blocks: tuple[Block, ...] = (
        Paragraph(_headline(found), style="headline"),
        standings_table(found),
        Paragraph(KEY, style="about"),
        *(Paragraph(note, style="note") for note in found.notes),
    )
    return Section("peft", "PEFT's method comparison", blocks)


def _row_record(row: Scored) -> JSONObject:
    one = row.experiment
    return {
        "name": one.name,
        "status": one.status,
        "error": one.error,
        "right": one.right,
        "accuracy": row.accuracy,
        "interval": row.interval,
        "to_best": row.to_best._asdict() | {"p_adjusted": row.p_adjusted} if row.to_best else None,
        "standing": row.standing,
        "conditions": one.conditions,
        "parameters": one.parameters,
        "trained": one.trained,
        "measured": {key: getattr(one, key) for key in MEASURED},
    }


def _notes(experiments: Sequence[Experiment], scored: Sequence[Experiment]) -> tuple[str, ...]:
    notes = list(UNTESTED) if len(scored) > 1 else ["Fewer than two scores: nothing to compare."]
    for what in dict.fromkeys(key for one in scored for key in one.conditions):
        values = sorted({one.conditions.get(what, "not given") for one in scored})
        if len(values) > 1:
            listing = listed([shown(value)[:40] for value in values])
            notes.append(f"Not the same for all: {what} ({listing}).")
    for one in experiments:
        if one.status != SUCCESS:
            error = f": {shown(one.error)[:200]}" if one.error else ""
            notes.append(f"{shown(one.name)} has no score ({shown(one.status)}){error}.")
    return tuple(notes)


def _headline(found: Standings) -> str:
    if found.best is None or found.best.accuracy is None:
        return "No experiment has a score."
    name, score = shown(found.best.experiment.name), percent(found.best.accuracy)
    sentence = f"{name} scores highest with {score} % of {EXAMPLES:,} examples of GSM8K"
    ties = [shown(row.experiment.name) for row in found.tied]
    if not ties:
        return f"{sentence}; every other is behind." if found.pairs_counted else f"{sentence}."
    verb = "has" if len(ties) == 1 else "have"
    return (
        f"{sentence}; {len(ties)} of {len(found.rows) - 1} others {verb} not been shown to be "
        f"worse: {listed(ties, most=len(ties))}."
    )
