"""Scores class by class, and which class is taken for which."""

from __future__ import annotations

from tunewise.analysis.classes import ByClass
from tunewise.analysis.facts import Facts
from tunewise.analysis.wording import split_name
from tunewise.core.format import listed, percent
from tunewise.core.sanitize import shown
from tunewise.reports.charts.confusion import confusion
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import named, number, percents, short, texts

WHAT = (
    "Precision, recall and F1 of each class are means over seeds. Confusion matrices count the "
    "answers of all seeds; a row is a right class and sums to one."
)


@doc.titled("classes", "Classes")
def section(facts: Facts) -> doc.Blocks:
    found = {one.name: one for one in facts.by_class}
    mine = [found[name] for name in facts.shortlist.names if name in found]
    if not mine:
        return
    best, *others = mine
    errors, labels = best.errors(), facts.evidence.labels
    total = sum(count for _, _, count in errors)
    confusions = [
        f"“{short(labels[right])}” for “{short(labels[chosen])}” "
        f"({percent(count / total, digits=0)} %)"
        for right, chosen, count in errors[:3]
    ]
    text = WHAT
    if confusions:
        name = shown(best.name)
        text += f" Of the errors of {name}, the most frequent take {listed(confusions)}."
    yield doc.Paragraph(text, outputs=doc.PRINT)
    yield _table(facts, best, doc.PRINT)
    yield confusion(mine, facts.evidence.labels)
    for one in others:
        about = named(facts.evidence.by_name[one.name])
        yield doc.Details("Class by class:", (_table(facts, one, doc.PAGE),), about=about)


def _table(facts: Facts, one: ByClass, outputs: doc.Outputs) -> doc.Table:
    columns = (
        *texts("Class"),
        *(percents(title) for title in ("Precision", "Recall", "F1")),
        doc.Column("Examples", show=number),
    )
    rows = tuple(
        (label, each.precision, each.recall, each.f1, each.support)
        for label, each in zip(facts.evidence.labels, one.scores, strict=True)
    )
    caption = f"{shown(one.name)} by class on {split_name(facts.evidence.split)}, in percent"
    return doc.Table("classes", caption, columns, rows, outputs=outputs, wide=False)
