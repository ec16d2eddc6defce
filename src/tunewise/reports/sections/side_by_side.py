"""Scores side by side: both splits by the headline metric, and the metrics on validation."""

from __future__ import annotations

from tunewise.analysis.facts import Facts
from tunewise.reports.charts.bars import both_splits, several_metrics
from tunewise.reports.document import model as doc

ABOUT = (
    "Means over seeds with 95 % intervals over examples. Validation chose the settings and "
    "flatters them; the verdict rests on test, where there is one. What did not fit in memory "
    "counts as 0."
)


@doc.titled("side-by-side", "Scores side by side")
def section(facts: Facts) -> doc.Blocks:
    rows = facts.shortlist.rows
    drawn = [both_splits(facts.results, rows), several_metrics(facts.results, rows)]
    if any(drawn):
        yield doc.Paragraph(ABOUT, style="about", outputs=doc.PAGE)
        yield from drawn
