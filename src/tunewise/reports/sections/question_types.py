"""Questions about images by type: how many of each, who answers them, and likely reasons."""

from __future__ import annotations

from collections.abc import Callable

from tunewise.analysis.facts import Facts
from tunewise.analysis.question_types import TypeRow
from tunewise.analysis.wording import metric_words, split_name
from tunewise.core.sanitize import shown
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import number, percents


@doc.titled("types", "Types of questions")
def section(facts: Facts) -> doc.Blocks:
    types, sliced = facts.question_types, facts.sliced
    if types is None:
        return
    scores = ""
    if sliced:
        scores = (
            f" Scores are {metric_words(sliced.metric)} on {split_name(sliced.split)}, in percent; "
            "their intervals and paired tests stand with the slices."
        )
    yield doc.Paragraph(f"{types.lead}{scores}", outputs=doc.PRINT)
    if types.embeddings:
        sizes = f"Dimensions of embeddings: {'; '.join(types.embeddings)}."
        yield doc.Paragraph(sizes, outputs=doc.PRINT)
    # Counts in each split and scores; files have the paired test of each type too.
    names = [each.name for each in sliced.slices[0].scores] if sliced else []
    pair = f"{sliced.best} minus {sliced.second}" if sliced and sliced.second else "difference"
    columns = (
        doc.Column("Type", "type", of="name", number=False),
        *(_count(place, split) for place, split in enumerate(types.splits)),
        *(percents(shown(name), name, _mean(name)) for name in names),
        doc.Column(
            "",
            pair,
            of=lambda row: row.slice and row.slice.difference and round(row.slice.difference, 12),
        ),
        doc.Column("", "p", of="slice.test.p_adjusted"),
    )
    title = "Types of questions"
    yield doc.Table.about("question-types", title, columns, types.rows, outputs=doc.REPORT)
    if types.reasons:
        yield doc.Paragraph("Likely reasons, which are not tested:", outputs=doc.PRINT)
        yield doc.Bullets(tuple(map(doc.Bullet, types.reasons)))


def _count(place: int, split: str) -> doc.Column:
    return doc.Column(split, split, number, lambda row: row.counts[place])


def _mean(name: str) -> Callable[[TypeRow], float | None]:
    return lambda row: doc.at(row.slice and row.slice.score(name), "mean")
