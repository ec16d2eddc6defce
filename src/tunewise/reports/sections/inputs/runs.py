"""Runs that were made elsewhere: what was read, and what was assumed of them."""

from __future__ import annotations

from tunewise.analysis.facts import Facts
from tunewise.reports.document import model as doc

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


@doc.titled("runs", "Runs")
def section(facts: Facts) -> doc.Blocks:
    assumed = facts.evidence.study.elsewhere
    if assumed is None:
        return
    yield doc.Paragraph(ABOUT, outputs=doc.PRINT)
    yield doc.Bullets(tuple(map(doc.Bullet, assumed)))
    yield doc.Paragraph(WAYS, style="about", outputs=doc.PRINT)
    rows = ((text,) for text in assumed)
    yield doc.Table.of_files("assumed", "What was assumed", ("assumed",), rows)
