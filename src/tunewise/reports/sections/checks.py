"""Faults that raise no error, looked for in every training."""

from __future__ import annotations

from tunewise.reports.document.model import PAGE, Badge, Bullet, Bullets, Named, Paragraph, Section
from tunewise.reports.facts.checks import FailedCheck
from tunewise.reports.facts.facts import Facts


def section(facts: Facts) -> Section | None:
    found = facts.checks
    if not found.trials:
        return None
    trainings = f"{found.trials:,} training{'s' * (found.trials != 1)}"
    text = (
        f"Faults that raise no error were looked for in {trainings}: "
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
        f"{one.trials} of {one.judged} training{'s' * (one.judged != 1)}",
        badge=Badge(f"not so: {one.check.lower()}", "bad"),
        about=Named(one.contender, one.position),
        quoted=one.detail,
    )
