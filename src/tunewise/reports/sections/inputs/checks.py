"""Faults that raise no error, looked for in every training."""

from __future__ import annotations

from tunewise.core.format import plural
from tunewise.reports.document.model import PAGE, Badge, Bullet, Bullets, Paragraph, Section
from tunewise.reports.facts.checks import FailedCheck
from tunewise.reports.facts.facts import Facts
from tunewise.reports.sections.cells import whose


def section(facts: Facts) -> Section | None:
    found = facts.checks
    if not found.trials:
        return None
    text = (
        f"Faults that raise no error were looked for in {plural(found.trials, 'training')}: "
        f"{'; '.join(found.looked_for).lower()}."
    )
    none = Paragraph("Nothing was found.", outputs=PAGE)
    bullets = Bullets(tuple(map(_bullet, found.findings)), outputs=PAGE)
    return Section.of(
        "checks",
        "Checks",
        [Paragraph(text, style="about", outputs=PAGE), bullets if found.findings else none],
    )


def _bullet(one: FailedCheck) -> Bullet:
    return Bullet(
        f"{one.trials} of {plural(one.judged, 'training')}",
        badge=Badge(f"not so: {one.check.lower()}", "bad"),
        about=whose(one),
        quoted=one.detail,
    )
