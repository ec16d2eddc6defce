"""What differs between contenders beside the method, and what to do about it."""

from __future__ import annotations

from tunewise.reports.document.model import (
    FILES,
    PAGE,
    Badge,
    Bullet,
    Bullets,
    Column,
    Paragraph,
    Section,
    Table,
    Tone,
)
from tunewise.reports.facts.comparability.checks import UNKNOWN, nothing_known
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
    tones: dict[str, Tone] = {"warning": "bad"}
    bullets = tuple(
        Bullet(one.says, one.todo, Badge(one.severity, tones.get(one.severity, "")))
        for one in found
    )
    columns = (
        Column("", "severity", of="severity"),
        Column("", "kind", of="kind"),
        Column("", "finding", of="says"),
        Column("", "what to do", of="todo"),
        Column("", "contenders", of=lambda one: ", ".join(one.rows)),
    )
    table = Table.about("fairness", "What differs beside the method", columns, found, outputs=FILES)
    return Section.of(
        "comparability",
        "Comparability",
        [
            Paragraph(_about(facts), style="about", outputs=PAGE),
            *((Bullets(bullets, outputs=PAGE), table) if found else ()),
        ],
    )


def _about(facts: Facts) -> str:
    if facts.comparability:
        return FOUND
    return UNKNOWN if nothing_known(facts.evidence) else NONE_FOUND
