"""What differs between contenders beside the method, and what to do about it."""

from __future__ import annotations

from tunewise.reports.document.model import (
    PAGE,
    Badge,
    Bullet,
    Bullets,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.comparability.finding import Finding
from tunewise.reports.facts.facts import Facts

NONE_FOUND = (
    "Nothing was found that differs between the contenders beside the method: training settings, "
    "search, seeds, data, models, software and machines are the same."
)
FOUND = (
    "What differs between contenders beside the method, and what to do about it. A method’s own "
    "default learning rate belongs to the method."
)


def section(facts: Facts) -> Section | None:
    found = facts.comparability
    bullets = Bullets(tuple(map(_bullet, found)), outputs=PAGE)
    return Section.of(
        "comparability",
        "Comparability",
        [
            Paragraph(FOUND if found else NONE_FOUND, style="about", outputs=PAGE),
            bullets if found else None,
            _table(found) if found else None,
        ],
    )


def _bullet(finding: Finding) -> Bullet:
    badge = Badge(finding.severity, "bad" if finding.severity == "warning" else "")
    return Bullet(finding.says, finding.todo, badge)


def _table(found: tuple[Finding, ...]) -> Table:
    keys = ("severity", "kind", "finding", "what to do", "contenders")
    rows = tuple((one.severity, one.kind, one.says, one.todo, ", ".join(one.rows)) for one in found)
    caption = "What differs beside the method"
    return Table.of_files("fairness", caption, keys, rows)
