"""Questions about images by type: how many of each, who answers them, and likely reasons."""

from __future__ import annotations

from tunewise.core.sanitize import shown
from tunewise.reports.document.model import (
    FILES,
    PRINT,
    REPORT,
    Bullet,
    Bullets,
    Column,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.question_types import ByType
from tunewise.reports.facts.slices import Sliced
from tunewise.reports.facts.wording import metric_said, split_name
from tunewise.reports.sections.cells import number, percents


def section(facts: Facts) -> Section | None:
    types, sliced = facts.question_types, facts.sliced
    if types is None:
        return None
    scores = ""
    if sliced:
        scores = (
            f" Scores are {metric_said(sliced.metric)} on {split_name(sliced.split)}, in percent; "
            "their intervals and paired tests stand with the slices."
        )
    reasons = Bullets(tuple(map(Bullet, types.reasons)), outputs=PRINT)
    return Section.of(
        "types",
        "Types of questions",
        [
            Paragraph(f"{types.lead}{scores}", outputs=PRINT),
            _table(types, sliced),
            Paragraph("Likely reasons, which are not tested:", outputs=PRINT)
            if types.reasons
            else None,
            reasons if types.reasons else None,
        ],
    )


def _table(types: ByType, found: Sliced | None) -> Table:
    """Counts in each split and scores; files have the paired test of each type too."""
    names = [each.name for each in found.slices[0].scores] if found and found.slices else []
    pair = f"{found.best} minus {found.second}" if found and found.second else "difference"
    columns = (
        Column("Type", "type", number=False),
        *(Column(split, split, number) for split in types.splits),
        *(percents(shown(name), name) for name in names),
        Column("", pair, outputs=FILES),
        Column("", "p", outputs=FILES),
    )
    rows = []
    for row in types.rows:
        scores = [row.slice.score(name) if row.slice else None for name in names]
        test, gap = (row.slice.test, row.slice.difference) if row.slice else (None, None)
        rows.append(
            (
                row.name,
                *row.counts,
                *(each.mean if each else None for each in scores),
                round(gap, 12) if gap is not None else None,
                test.p_adjusted if test else None,
            )
        )
    return Table("question-types", "Types of questions", columns, tuple(rows), outputs=REPORT)
