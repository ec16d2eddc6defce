"""Trials that did not end well, and the trials that count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunewise.core.format import plural
from tunewise.reports.document.model import (
    FILES,
    NOTHING,
    PAGE,
    PAPER,
    PRINT,
    Badge,
    Bullet,
    Bullets,
    Column,
    Named,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.evidence import Contender, Trial
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.wording import point_words

MOST_IN_PAPER = 8


@dataclass(frozen=True)
class Failed:
    """A trial that did not end well, with the search point that it tried."""

    contender: Contender
    point: str
    trial: Trial

    @property
    def error(self) -> str:
        return self.trial.record.result.error or "no message"


def section(facts: Facts) -> Section | None:
    failed = [
        Failed(contender, point_words(point.values) or NOTHING, trial)
        for contender in facts.evidence.contenders
        for point in contender.points
        for trial in point.trials
        if not trial.done
    ]
    text = (
        f"{plural(len(failed), 'trial')} did not end well; they count as results: a way of "
        "training that fails at one search point or seed may fail for you."
    )
    return Section.of(
        "failed",
        "Failed trials",
        [
            Paragraph(text, outputs=PRINT) if failed else None,
            _table(failed),
            Bullets(tuple(map(_bullet, failed)), outputs=PAGE) if failed else None,
            _that_count(facts),
        ],
    )


def _table(failed: Sequence[Failed]) -> Table:
    columns = (
        Column("", "trial", of="trial.record.id"),
        Column("Contender", "contender", of="contender.name", number=False),
        Column("Point", "point", of="point", number=False),
        Column("", "seed", of="trial.seed"),
        Column("Status", "status", of="trial.record.status", number=False),
        Column("Error", "error", of="error", number=False, wraps=True),
    )
    outputs = PAPER | FILES if failed else FILES
    title = "Failed trials"
    return Table.about("failures", title, columns, failed, outputs=outputs, most=MOST_IN_PAPER)


def _bullet(one: Failed) -> Bullet:
    return Bullet(
        f"{one.point} · seed {one.trial.seed} · trial {one.trial.record.id}",
        badge=Badge(one.trial.record.status, "bad"),
        about=Named(one.contender.name, one.contender.position),
        quoted=one.error,
    )


def _that_count(facts: Facts) -> Table:
    """The ids of the trials that count, contender by contender."""
    rows = (
        (row.name, trial.record.id)
        for row in facts.results.rows
        for trial in facts.evidence.by_name[row.name].finished
    )
    return Table.of_files("trials", "Trials that count", ("contender", "trial"), rows)
