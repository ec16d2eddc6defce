"""The data: splits, labels, lengths, and what the audit found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunewise.analysis.evidence import Evidence
from tunewise.analysis.facts import Facts
from tunewise.analysis.setting_differences import flat
from tunewise.analysis.wording import value_words
from tunewise.core.format import listed, percent
from tunewise.core.sanitize import shown
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import short, texts

MOST_LABELS = 14  # rows of the table of labels in a paper
COUNTED = {  # by their titles, where they stand within the facts of a split
    "Words, mean": "words.mean",
    "Most words": "words.largest",
    "Tokens, mean": "tokens.mean",
    "Most tokens": "tokens.largest",
    "Truncated, %": "truncated_share",
    "Repeated": "repeated_texts",
    "Without answer": "without_answer",
}
FRACTION = "Truncated, %"  # the one that is no count
ACCEPTED = "The splits share texts; the study accepts it: “{}”."
CLEAN = "The audit found nothing to warn about."


@doc.titled("data", "Data")
def section(facts: Facts) -> doc.Blocks:
    data, audit = facts.evidence.data, facts.evidence.data.audit
    counts_of = data.label_counts  # how often each label occurs in each split
    names = [*facts.evidence.labels, *(str(k) for c in counts_of.values() for k in c)]
    labels = {
        label: [int(counts_of.get(split, {}).get(label, 0)) for split in data.rows]
        for label in dict.fromkeys(names)
    }
    if data.rows:
        yield doc.Paragraph(_text(facts.evidence, labels), outputs=doc.PRINT)
    if data.accept_leakage:
        accepted = ACCEPTED.format(shown(data.accept_leakage))
        yield doc.Paragraph(accepted, style="note", outputs=doc.PAGE)
    yield _counted(audit.facts.get("splits"))
    # How often each label occurs in each split, with a bar on the page.
    splits = list(data.rows)
    most = [max([1, *column]) for column in zip(*labels.values(), strict=True)]
    columns = (
        doc.Column("Label", "label", number=False),
        *(doc.Column(name, outputs=doc.PRINT) for name in splits),
        *(doc.Column("", name) for name in splits),
    )
    rows = tuple(
        (
            label,
            *(doc.Noted(f"{n:,}", bar=n / top) for n, top in zip(counts, most, strict=True)),
            *counts,
        )
        for label, counts in labels.items()
    )
    people = doc.PRINT if len(rows) <= MOST_LABELS else doc.PAGE
    outputs = doc.FILES | people if rows else doc.FILES
    yield doc.Table("labels", "Labels by split", columns, rows, outputs=outputs, wide=False)
    says = "The audit of the data warns:" if audit.warnings else CLEAN
    yield doc.Paragraph(says, outputs=doc.PRINT)
    yield doc.Bullets(tuple(map(doc.Bullet, audit.warnings)))
    if lines := tuple((key, value_words(value)) for key, value in flat(audit.facts).items()):
        yield doc.Details("What the audit counted", (doc.Pairs(lines),))


def _text(evidence: Evidence, labels: Mapping[str, list[int]]) -> str:
    data = evidence.data
    sizes = [f"{int(rows):,} examples for {shown(name)}" for name, rows in data.rows.items()]
    commonest = ""
    if evidence.labels:  # what guessing scores on the last split that has labels
        name, total = list(data.rows.items())[-1]
        label, counts = max(labels.items(), key=lambda row: row[1][-1])
        if total and counts[-1]:
            commonest = (
                f" The commonest label of {shown(name)}, “{short(label)}”, makes up "
                f"{percent(counts[-1] / total)} % of it."
            )
    overlaps = []  # how much of one split stands in another too
    shared = evidence.data.audit.facts.get("shared_texts") or ()
    for one in shared:
        if not isinstance(one, Mapping) or one.get("share") is None:
            continue
        kinds = {"same": "the same", "alike": "alike", "near": "nearly so"}
        if parts := ", ".join(
            f"{one[key]:,} {word}" for key, word in kinds.items() if one.get(key)
        ):
            overlap = f"{percent(one['share'])} % of {one['of']} in {one['within']}"
            overlaps.append(f"{overlap} ({parts})")
    found = " No text was found in two splits." if shared else ""
    if overlaps:
        found = f" Some texts stand in two splits: {'; '.join(overlaps)}."
    content = f" Its content has the hash {data.hash}." if data.hash else ""
    return f"The data set has {listed(sizes)}.{commonest}{content}{found}"


def _counted(splits: Any) -> doc.Table | None:
    """What the audit counted, split by split; columns without a number are left out."""
    if not isinstance(splits, Mapping) or not splits:
        return None
    found = {
        title: [_number(counted, path) for counted in splits.values()]
        for title, path in COUNTED.items()
    }
    kept = [
        title
        for title, values in found.items()
        if any(values) or (title == FRACTION and any(value is not None for value in values))
    ]
    if not kept:
        return None
    columns = (
        *texts("Split"),
        *(doc.Column(title, show=percent if title == FRACTION else _in_full) for title in kept),
    )
    rows = tuple(zip(map(str, splits), *(found[title] for title in kept), strict=True))
    caption, wide = "What the audit counted in each split", len(kept) > 5
    return doc.Table("audit", caption, columns, rows, outputs=doc.PRINT, wide=wide)


def _number(facts: Any, path: str) -> float | None:
    for key in path.split("."):
        facts = facts.get(key) if isinstance(facts, Mapping) else None
    return facts if isinstance(facts, int | float) else None


def _in_full(value: float) -> str:
    return f"{value:,.4g}" if value % 1 else f"{int(value):,}"
