"""A warning where most of what a model generates is empty or never stops."""

from __future__ import annotations

from tunewise.reports.document.model import PRINT, TERMINAL, Paragraph, Section
from tunewise.reports.facts.facts import Facts


def section(facts: Facts) -> Section | None:
    if not facts.unfinished:
        return None
    warnings = [
        Paragraph(one.sentence, style="note", lead="Warning.", outputs=PRINT | TERMINAL)
        for one in facts.unfinished
    ]
    return Section.of("generated_texts", "Generated texts", warnings)
