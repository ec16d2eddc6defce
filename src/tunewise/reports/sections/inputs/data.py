"""The data: splits, labels, lengths, and what the audit found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunewise.core.format import listed, percent
from tunewise.core.sanitize import shown
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
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.setting_differences import flat
from tunewise.reports.facts.wording import value_words
from tunewise.reports.sections.cells import number, short, texts

MOST_LABELS = 14  # rows of the table of labels in a paper
COUNTED = {  # by their titles, where they stand within the facts of a split
    "Words, mean": ("words", "mean"),
    "Most words": ("words", "largest"),
    "Tokens, mean": ("tokens", "mean"),
    "Most tokens": ("tokens", "largest"),
    "Truncated, %": ("truncated_share",),
    "Repeated": ("repeated_texts",),
    "Without answer": ("without_answer",),
}
FRACTION = "Truncated, %"  # the one that is no count
CLEAN = "The audit found nothing to warn about."


def section(facts: Facts) -> Section | None:
    data, audit = facts.evidence.data, facts.evidence.data.audit
    accepted = (
        f"The splits share texts; the study accepts it: “{shown(data.accept_leakage or '')}”."
    )
    lines = tuple((key, value_words(value)) for key, value in flat(audit.facts).items())
    labels = _label_counts(facts.evidence)
    return Section.of(
        "data",
        "Data",
        [
            Paragraph(_text(facts.evidence, labels), outputs=PRINT) if data.rows else None,
            Paragraph(accepted, style="note", outputs=PAGE) if data.accept_leakage else None,
            _counted(facts.evidence),
            _labels(facts.evidence, labels),
            Paragraph("The audit of the data warns:" if audit.warnings else CLEAN, outputs=PRINT),
            Bullets(tuple(map(Bullet, audit.warnings))) if audit.warnings else None,
            Details("What the audit counted", (Pairs(lines),)) if lines else None,
        ],
    )


def _label_counts(evidence: Evidence) -> dict[str, list[int]]:
    """How often each label occurs in each split."""
    counts = evidence.data.label_counts
    labels = dict.fromkeys([*evidence.labels, *(str(k) for c in counts.values() for k in c)])
    return {
        label: [int(counts.get(split, {}).get(label, 0)) for split in evidence.data.rows]
        for label in labels
    }


def _text(evidence: Evidence, labels: Mapping[str, list[int]]) -> str:
    data = evidence.data
    sizes = listed(
        [f"{int(rows):,} examples for {shown(name)}" for name, rows in data.rows.items()]
    )
    text = f"The data set has {sizes}."
    text += _commonest(evidence, labels) if evidence.labels else ""
    if data.hash:
        text += f" Its content has the hash {data.hash}."
    return text + _shared(evidence)


def _commonest(evidence: Evidence, labels: Mapping[str, list[int]]) -> str:
    """What guessing scores on the last split that has labels."""
    name, total = list(evidence.data.rows.items())[-1]
    label, counts = max(labels.items(), key=lambda row: row[1][-1])
    if not total or not counts[-1]:
        return ""
    return (
        f" The commonest label of {shown(name)}, “{short(label)}”, makes up "
        f"{percent(counts[-1] / total)} % of it."
    )


def _labels(evidence: Evidence, labels: Mapping[str, list[int]]) -> Table:
    """How often each label occurs in each split, with a bar on the page."""
    splits = list(evidence.data.rows)
    most = [max([1, *column]) for column in zip(*labels.values(), strict=True)]
    columns = (
        Column("Label", "label", number=False),
        *(Column(name, outputs=PRINT) for name in splits),
        *(Column("", name, outputs=FILES) for name in splits),
    )
    rows = tuple(
        (
            label,
            *(Noted(f"{n:,}", bar=n / top) for n, top in zip(counts, most, strict=True)),
            *counts,
        )
        for label, counts in labels.items()
    )
    outputs = ALL - frozenset(("terminal", "md")) if len(rows) <= MOST_LABELS else FILES | PAGE
    return Table(
        "labels", "Labels by split", columns, rows, outputs=outputs if rows else FILES, wide=False
    )


def _counted(evidence: Evidence) -> Table | None:
    """What the audit counted, split by split; columns without a number are left out."""
    splits = evidence.data.audit.facts.get("splits")
    if not isinstance(splits, Mapping) or not splits:
        return None
    found = {
        title: [_number(counted, path) for counted in splits.values()]
        for title, path in COUNTED.items()
    }
    kept = {
        title: values
        for title, values in found.items()
        if any(values) or (title == FRACTION and any(value is not None for value in values))
    }
    if not kept:
        return None
    columns = (*texts("Split"), *map(Column, kept))
    rows = tuple(
        (str(name), *(_cell(title, values[place]) for title, values in kept.items()))
        for place, name in enumerate(splits)
    )
    caption = "What the audit counted in each split"
    return Table("audit", caption, columns, rows, outputs=PRINT, wide=len(kept) > 5)


def _shared(evidence: Evidence) -> str:
    """How much of one split stands in another too."""
    shared = evidence.data.audit.facts.get("shared_texts")
    overlaps = []
    for one in shared or ():
        if not isinstance(one, Mapping) or one.get("share") is None:
            continue
        parts = ", ".join(
            f"{one[key]:,} {name}"
            for key, name in (("same", "the same"), ("alike", "alike"), ("near", "nearly so"))
            if one.get(key)
        )
        if parts:
            overlaps.append(
                f"{percent(one['share'])} % of {one['of']} in {one['within']} ({parts})"
            )
    if overlaps:
        return f" Some texts stand in two splits: {'; '.join(overlaps)}."
    return " No text was found in two splits." if shared else ""


def _number(facts: Any, path: tuple[str, ...]) -> float | None:
    for key in path:
        facts = facts.get(key) if isinstance(facts, Mapping) else None
    return facts if isinstance(facts, int | float) else None


def _cell(title: str, value: float | None) -> str:
    if value is None:
        return NOTHING
    if title == FRACTION:
        return percent(value)
    return f"{value:,.4g}" if value % 1 else number(int(value))
