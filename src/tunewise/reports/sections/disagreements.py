"""The examples on which contenders disagree most."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

from tunewise.reports.document import model as doc
from tunewise.reports.facts.disagreements import Answered, Disagreement
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.shortlist import FEW
from tunewise.reports.facts.wording import split_name

MOST_IN_PAPER, FEWER = 6, 4  # examples; fewer where many contenders answer each
WHAT = (
    "Examples of {name} on which the most pairs of contenders answer differently. Each contender "
    "speaks with the answer of most of its seeds; “2/3” says how many gave it. All answers to all "
    "examples stand in predictions/{split}.csv."
)


@doc.titled("disagreements", "Disagreements")
def section(facts: Facts) -> doc.Blocks:
    found, split = facts.disagreements, facts.evidence.split
    if found:
        text = WHAT.format(name=split_name(split), split=split)
        most = MOST_IN_PAPER if len(facts.evidence.contenders) <= FEW else FEWER
        yield doc.Paragraph(text, outputs=doc.PRINT)
        yield doc.Examples("Disagreements", tuple(map(_example, found)), most)


def _example(example: Disagreement) -> doc.Example:
    """Those who gave one answer stand together."""
    answer_of = attrgetter("answer")
    groups = groupby(sorted(example.answers, key=answer_of), key=answer_of)
    answers = tuple(_answer(answer, list(group)) for answer, group in groups)
    return doc.Example(example.id, tuple(example.texts.items()), " / ".join(example.right), answers)


def _answer(answer: str, group: list[Answered]) -> doc.Answer:
    def by(one: Answered) -> doc.Named:
        seeds = f"{one.agreeing}/{one.seeds}" if one.agreeing != one.seeds else ""
        return doc.Named(one.name, one.position, detail=seeds)

    return doc.Answer(answer, group[0].right, tuple(map(by, group)))
