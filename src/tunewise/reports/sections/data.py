"""What a paper says of its data: splits, labels, lengths, and what the audit found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunewise.core.format import listed, percent
from tunewise.reports.document import Block, Grid, Items, Paragraph, Section, cell
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.page import Page

MOST_LABELS = 14  # rows of the table of labels
COUNTED = (  # column, path within the facts of a split, whether it is a share
    ("words", ("words", "mean"), False),
    ("most", ("words", "largest"), False),
    ("tokens", ("tokens", "mean"), False),
    ("most", ("tokens", "largest"), False),
    ("cut, %", ("truncated_share",), True),
    ("repeated", ("repeated_texts",), False),
    ("no answer", ("without_answer",), False),
)


def data(evidence: Evidence, page: Page) -> Section:
    """The splits, their labels, and what the audit counted and warned of."""
    blocks: list[Block] = []
    if page.splits:
        sizes = listed([f"{number:,} items for {name}" for name, number in page.splits])
        text = f"The data set has {sizes}."
        text += _commonest(page) if evidence.labels else ""
        if evidence.data.hash:
            text += f" Its content has the hash {evidence.data.hash}."
        text += _shared(evidence)
        blocks.append(Paragraph(text))
    blocks += _counted(evidence)
    if evidence.labels and 0 < len(page.label_counts) <= MOST_LABELS:
        rows = tuple(
            (cell(row.label, 40), *(f"{number:,}" for number in row.counts))
            for row in page.label_counts
        )
        header = ("label", *(name for name, _ in page.splits))
        blocks.append(Grid("Labels by split", "l" + "r" * len(page.splits), header, rows))
    if page.warnings:
        blocks.append(Paragraph("The audit of the data warns:"))
        blocks.append(Items(tuple(cell(warning, 400) for warning in page.warnings)))
    return Section("Data", tuple(blocks))


def _counted(evidence: Evidence) -> list[Block]:
    """What the audit counted, split by split; columns without a number are left out."""
    splits = _facts(evidence).get("splits")
    if not isinstance(splits, Mapping) or not splits:
        return []
    found = []
    for title, path, is_share in COUNTED:
        values = [_number(facts, path) for facts in splits.values()]
        if any(value is not None for value in values) and (any(values) or is_share):
            found.append((title, [_told(value, is_share=is_share) for value in values]))
    if not found:
        return []
    rows = tuple(
        (cell(str(name), 30), *(values[place] for _, values in found))
        for place, name in enumerate(splits)
    )
    header = ("split", *(title for title, _ in found))
    caption = "What the audit counted: words and tokens of a text, as means and at most"
    return [Grid(caption, "l" + "r" * len(found), header, rows)]


def _shared(evidence: Evidence) -> str:
    """How much of one split stands in another too."""
    told = []
    for one in _facts(evidence).get("shared_texts") or ():
        if not isinstance(one, Mapping) or one.get("share") is None:
            continue
        parts = ", ".join(
            f"{one[key]:,} {name}"
            for key, name in (("same", "the same"), ("alike", "alike"), ("near", "nearly so"))
            if one.get(key)
        )
        if parts:
            told.append(f"{percent(one['share'])} % of {one['of']} in {one['within']} ({parts})")
    facts = _facts(evidence).get("shared_texts")
    if told:
        return f" Some texts stand in two splits: {'; '.join(told)}."
    return " No text was found in two splits." if facts else ""


def _facts(evidence: Evidence) -> Mapping[str, Any]:
    return evidence.data.audit.facts


def _number(facts: Any, path: tuple[str, ...]) -> float | None:
    for key in path:
        facts = facts.get(key) if isinstance(facts, Mapping) else None
    return facts if isinstance(facts, int | float) else None


def _told(value: float | None, *, is_share: bool) -> str:
    if value is None:
        return "–"
    return percent(value) if is_share else f"{value:,.4g}" if value % 1 else f"{value:,.0f}"


def _commonest(page: Page) -> str:
    """What guessing scores on the last split that has labels."""
    if not page.label_counts or not page.splits:
        return ""
    name, total = page.splits[-1]
    most = max(page.label_counts, key=lambda row: row.counts[-1])
    if not total or not most.counts[-1]:
        return ""
    return (
        f" The commonest label of {name}, “{cell(most.label, 40)}”, makes up "
        f"{percent(most.counts[-1] / total)} % of it."
    )
