"""The data: splits, labels, lengths, and what the audit found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunewise.core.canonical import JSONObject
from tunewise.core.format import listed, percent
from tunewise.core.sanitize import shortened, shown
from tunewise.reports.document.model import (
    ALL,
    FILES,
    NOTHING,
    PAGE,
    PRINT,
    Bullet,
    Bullets,
    Column,
    Details,
    Noted,
    Pairs,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.overview import Overview
from tunewise.reports.sections.cells import number

MOST_LABELS = 14  # rows of the table of labels in a paper
COUNTED = (  # title, path within the facts of a split, whether it is a fraction
    ("Words, mean", ("words", "mean"), False),
    ("Most words", ("words", "largest"), False),
    ("Tokens, mean", ("tokens", "mean"), False),
    ("Most tokens", ("tokens", "largest"), False),
    ("Truncated, %", ("truncated_share",), True),
    ("Repeated", ("repeated_texts",), False),
    ("Without answer", ("without_answer",), False),
)
CLEAN = "The audit found nothing to warn about."


def section(facts: Facts) -> Section | None:
    about = facts.overview
    accepted = (
        f"The splits share texts; the study accepts it: “{shown(about.accept_leakage)}”."
        if about.accept_leakage
        else ""
    )
    warnings = Bullets(tuple(map(Bullet, about.warnings)), outputs=PRINT)
    facts_counted = Details("What the audit counted", (Pairs(about.facts),))
    return Section.of(
        "data",
        "Data",
        [
            Paragraph(_text(facts), outputs=PRINT) if about.splits else None,
            Paragraph(accepted, style="note", outputs=PAGE) if accepted else None,
            _counted(facts),
            _labels(about),
            Paragraph("The audit of the data warns:" if about.warnings else CLEAN, outputs=PRINT),
            warnings if about.warnings else None,
            facts_counted if about.facts else None,
        ],
    )


def _text(facts: Facts) -> str:
    about = facts.overview
    sizes = listed([f"{rows:,} examples for {shown(name)}" for name, rows in about.splits])
    text = f"The data set has {sizes}."
    text += _commonest(about) if facts.evidence.labels else ""
    if facts.evidence.data.hash:
        text += f" Its content has the hash {facts.evidence.data.hash}."
    return text + _shared(facts)


def _commonest(about: Overview) -> str:
    """What guessing scores on the last split that has labels."""
    if not about.label_counts or not about.splits:
        return ""
    name, total = about.splits[-1]
    most = max(about.label_counts, key=lambda row: row.counts[-1])
    if not total or not most.counts[-1]:
        return ""
    return (
        f" The commonest label of {shown(name)}, “{shortened(shown(most.label), 40)}”, makes up "
        f"{percent(most.counts[-1] / total)} % of it."
    )


def _labels(about: Overview) -> Table:
    """How often each label occurs in each split, with a bar on the page, and the sums."""
    most = [
        max([1, *(row.counts[n] for row in about.label_counts)]) for n in range(len(about.splits))
    ]
    columns: list[Column] = [Column("Label", "label", number=False)]
    columns += [Column(name, outputs=PRINT) for name, _ in about.splits]
    columns += [Column("", name, outputs=FILES) for name, _ in about.splits]
    rows: list[tuple[object, ...]] = [
        (
            row.label,
            *(Noted(f"{n:,}", bar=n / top) for n, top in zip(row.counts, most, strict=True)),
            *row.counts,
        )
        for row in about.label_counts
    ]
    few = 0 < len(rows) <= MOST_LABELS
    outputs = ALL - frozenset(("terminal", "md")) if few else FILES | PAGE
    if not rows:
        outputs = FILES
    caption = "Labels by split"
    return Table("labels", caption, tuple(columns), tuple(rows), outputs=outputs, wide=False)


def _counted(facts: Facts) -> Table | None:
    """What the audit counted, split by split; columns without a number are left out."""
    splits = _audited(facts).get("splits")
    if not isinstance(splits, Mapping) or not splits:
        return None
    found = []
    for title, path, fraction in COUNTED:
        values = [_number(counted, path) for counted in splits.values()]
        if any(value is not None for value in values) and (any(values) or fraction):
            found.append((title, [_told(value, fraction=fraction) for value in values]))
    if not found:
        return None
    columns = (Column("Split", number=False), *(Column(title) for title, _ in found))
    rows = tuple(
        (str(name), *(values[place] for _, values in found)) for place, name in enumerate(splits)
    )
    caption = "What the audit counted in each split"
    return Table("audit", caption, columns, rows, outputs=PRINT, wide=len(found) > 5)


def _shared(facts: Facts) -> str:
    """How much of one split stands in another too."""
    shared = _audited(facts).get("shared_texts")
    told = []
    for one in shared or ():
        if not isinstance(one, Mapping) or one.get("share") is None:
            continue
        parts = ", ".join(
            f"{one[key]:,} {name}"
            for key, name in (("same", "the same"), ("alike", "alike"), ("near", "nearly so"))
            if one.get(key)
        )
        if parts:
            told.append(f"{percent(one['share'])} % of {one['of']} in {one['within']} ({parts})")
    if told:
        return f" Some texts stand in two splits: {'; '.join(told)}."
    return " No text was found in two splits." if shared else ""


def _audited(facts: Facts) -> JSONObject:
    return facts.evidence.data.audit.facts


def _number(facts: Any, path: tuple[str, ...]) -> float | None:
    for key in path:
        facts = facts.get(key) if isinstance(facts, Mapping) else None
    return facts if isinstance(facts, int | float) else None


def _told(value: float | None, *, fraction: bool) -> str:
    if value is None:
        return NOTHING
    if fraction:
        return percent(value)
    return f"{value:,.4g}" if value % 1 else number(int(value))
