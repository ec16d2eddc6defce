"""What data.clean took out of the data and rewrote, step by step."""

from __future__ import annotations

from collections.abc import Mapping

from tunewise.analysis.facts import Facts
from tunewise.core.format import plural
from tunewise.core.sanitize import shown
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import number

WHERE = "Each removed row, with the reason, is listed by `tunewise removed` on the study's folder."
NOTHING = "The steps of data.clean found nothing to remove."


@doc.titled("cleaning", "Cleaning")
def section(facts: Facts) -> doc.Blocks:
    cleaned = facts.evidence.data.source.get("clean")
    if not isinstance(cleaned, Mapping):
        return
    removed = cleaned.get("removed") or []
    total = sum(sum(step["rows"].values()) for step in removed)
    text = f"Before it was cut into splits, {plural(total, 'row')} left the data. {WHERE}"
    yield doc.Paragraph(text if removed else NOTHING, outputs=doc.PRINT)
    if removed:
        # Rows by step and by the split that they stood in when they were read.
        splits = list(dict.fromkeys(name for step in removed for name in step["rows"]))
        columns = (
            doc.Column("Rows", "rows", number=False),
            *(doc.Column(name, name, number) for name in splits),
        )
        rows = tuple(
            (str(step["what"]), *(step["rows"].get(name, 0) for name in splits)) for step in removed
        )
        caption = "Rows that cleaning removed, by the split they were read as"
        yield doc.Table("cleaning", caption, columns, rows, outputs=doc.REPORT, wide=False)
    lines = [
        f"Rewritten in {plural(count, 'row')}: {shown(what)}."
        for what, count in (cleaned.get("rewritten") or {}).items()
        if count
    ]
    if count := cleaned.get("kept_together"):
        lines.append(f"{plural(count, 'row')} with nearly equal texts were kept in one split each.")
    yield doc.Bullets(tuple(map(doc.Bullet, lines)))
