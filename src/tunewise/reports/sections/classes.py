"""Scores class by class, and which class is taken for which."""

from __future__ import annotations

from tunewise.core.format import listed, percent
from tunewise.core.sanitize import shown
from tunewise.reports.charts.confusion import confusion
from tunewise.reports.document.model import (
    PAGE,
    PRINT,
    Column,
    Details,
    Outputs,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.classes import ByClass
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.wording import split_name
from tunewise.reports.sections.cells import named, number, percents, short


def section(facts: Facts) -> Section | None:
    found = {one.name: one for one in facts.by_class}
    mine = [found[name] for name in facts.shortlist.names if name in found]
    if not mine:
        return None
    best, *others = mine
    tables = [(named(facts.evidence.by_name[one.name]), _table(facts, one, PAGE)) for one in others]
    return Section.of(
        "classes",
        "Classes",
        [
            Paragraph(_text(facts, best), outputs=PRINT),
            _table(facts, best, PRINT),
            confusion(mine, facts.evidence.labels),
            *(Details("Class by class:", (table,), about=whose) for whose, table in tables),
        ],
    )


def _text(facts: Facts, best: ByClass) -> str:
    text = (
        "Precision, recall and F1 of each class are means over seeds. Confusion matrices count "
        "the answers of all seeds; a row is a right class and sums to one."
    )
    errors, labels = best.errors(), facts.evidence.labels
    if not errors:
        return text
    total = sum(count for _, _, count in errors)
    confusions = [
        f"“{short(labels[right])}” for “{short(labels[chosen])}” "
        f"({percent(count / total, digits=0)} %)"
        for right, chosen, count in errors[:3]
    ]
    return (
        f"{text} Of the errors of {shown(best.name)}, the most frequent take {listed(confusions)}."
    )


def _table(facts: Facts, one: ByClass, outputs: Outputs) -> Table:
    columns = (
        Column("Class", number=False),
        *(percents(title) for title in ("Precision", "Recall", "F1")),
        Column("Examples", show=number),
    )
    rows = tuple(
        (label, each.precision, each.recall, each.f1, each.support)
        for label, each in zip(facts.evidence.labels, one.scores, strict=True)
    )
    caption = f"{shown(one.name)} by class on {split_name(facts.evidence.split)}, in percent"
    return Table("classes", caption, columns, rows, outputs=outputs, wide=False)
