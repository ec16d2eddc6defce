"""Trials that did not end well, and the trials that count."""

from __future__ import annotations

from tunewise.reports.document.model import (
    FILES,
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
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.overview import FailedTrial

MOST_IN_PAPER = 8


def section(facts: Facts) -> Section | None:
    failed = facts.overview.failed
    number = len(failed)
    text = (
        f"{number} trial{'s' * (number != 1)} did not end well; they count as results: a way of "
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


def _table(failed: tuple[FailedTrial, ...]) -> Table:
    columns = (
        Column("", "trial"),
        Column("Contender", "contender", number=False),
        Column("Point", "point", number=False),
        Column("", "seed"),
        Column("Status", "status", number=False),
        Column("Error", "error", number=False, wraps=True),
    )
    rows = tuple(
        (one.id, one.contender, one.point, one.seed, one.status, one.error) for one in failed
    )
    outputs = PAPER | FILES if failed else FILES
    return Table("failures", "Failed trials", columns, rows, outputs=outputs, most=MOST_IN_PAPER)


def _bullet(one: FailedTrial) -> Bullet:
    return Bullet(
        f"{one.point} · seed {one.seed} · trial {one.id}",
        badge=Badge(one.status, "bad"),
        about=Named(one.contender, one.position),
        quoted=one.error,
    )


def _that_count(facts: Facts) -> Table:
    """The ids of the trials that count, contender by contender."""
    rows = tuple((row.name, id) for row, ids in facts.overview.trials for id in ids)
    return Table.of_files("trials", "Trials that count", ("contender", "trial"), rows)
