"""A warning where most of what a model generates is empty or never stops."""

from __future__ import annotations

from tunewise.analysis.facts import Facts
from tunewise.reports.document import model as doc


@doc.titled("generated_texts", "Generated texts")
def section(facts: Facts) -> doc.Blocks:
    outputs = doc.PRINT | doc.TERMINAL
    for one in facts.unfinished:
        yield doc.Paragraph(one.sentence, style="note", lead="Warning.", outputs=outputs)
