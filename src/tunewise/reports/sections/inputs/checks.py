"""Faults that raise no error, looked for in every training."""

from __future__ import annotations

from tunewise.analysis.facts import Facts
from tunewise.core.format import plural
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import whose


@doc.titled("checks", "Checks")
def section(facts: Facts) -> doc.Blocks:
    found = facts.checks
    if not found.trials:
        return
    text = (
        f"Faults that raise no error were looked for in {plural(found.trials, 'training')}: "
        f"{'; '.join(found.looked_for).lower()}."
    )
    yield doc.Paragraph(text, style="about", outputs=doc.PAGE)
    if not found.findings:
        yield doc.Paragraph("Nothing was found.", outputs=doc.PAGE)
    yield doc.Bullets(
        tuple(
            doc.Bullet(
                f"{one.trials} of {plural(one.judged, 'training')}",
                badge=doc.Badge(f"not so: {one.check.lower()}", "bad"),
                about=whose(one),
                quoted=one.detail,
            )
            for one in found.findings
        ),
        outputs=doc.PAGE,
    )
