"""What differs between contenders beside the method, and what to do about it."""

from __future__ import annotations

from tunewise.analysis.comparability.checks import UNKNOWN, nothing_known
from tunewise.analysis.facts import Facts
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import in_files

NONE_FOUND = (
    "Nothing was found that differs between the contenders beside the method: training settings, "
    "search, seeds, data, models, software and machines are the same."
)
FOUND = (
    "What differs between contenders beside the method, and what to do about it. A method’s own "
    "default learning rate belongs to the method."
)


@doc.titled("comparability", "Comparability")
def section(facts: Facts) -> doc.Blocks:
    found = facts.comparability
    if not found:
        text = UNKNOWN if nothing_known(facts.evidence) else NONE_FOUND
        yield doc.Paragraph(text, style="about", outputs=doc.PAGE)
        return
    tones: dict[str, doc.Tone] = {"warning": "bad"}
    badges = [doc.Badge(one.severity, tones.get(one.severity, "")) for one in found]
    bullets = (doc.Bullet(one.says, one.todo, b) for one, b in zip(found, badges, strict=True))
    columns = (
        *in_files(severity="severity", kind="kind", finding="says", what_to_do="todo"),
        doc.Column("", "contenders", of=lambda one: ", ".join(one.rows)),
    )
    yield doc.Paragraph(FOUND, style="about", outputs=doc.PAGE)
    yield doc.Bullets(tuple(bullets), outputs=doc.PAGE)
    title = "What differs beside the method"
    yield doc.Table.about("fairness", title, columns, found, outputs=doc.FILES)
