"""Runs that were made elsewhere: what was read, and what was assumed of them."""

from __future__ import annotations

from tunewise.reports.document.model import (
    FILES,
    PRINT,
    Bullet,
    Bullets,
    Column,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.facts import Facts

ABOUT = (
    "Another program made these runs; Tunewise read their answers or scores and judged them as it "
    "judges its own. This is what it took for granted:"
)
WAYS = (
    "Over examples, fractions of right answers have Wilson intervals, other metrics and "
    "differences BCa bootstrap intervals; pairs are tested by exact sign flips of examples, or by "
    "approximate randomization. Over seeds, Student’s t is joined with the variance over "
    "examples. p values are corrected by Holm’s method over all pairs."
)


def section(facts: Facts) -> Section | None:
    assumed = facts.evidence.study.elsewhere
    if assumed is None:
        return None
    columns = (Column("", "assumed"),)
    rows = tuple((text,) for text in assumed)
    return Section.of(
        "runs",
        "Runs",
        [
            Paragraph(ABOUT, outputs=PRINT),
            Bullets(tuple(map(Bullet, assumed)), outputs=PRINT),
            Paragraph(WAYS, style="about", outputs=PRINT),
            Table("assumed", "What was assumed", columns, rows, outputs=FILES),
        ],
    )
