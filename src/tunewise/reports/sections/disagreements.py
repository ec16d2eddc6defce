"""The examples on which contenders disagree most."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

from tunewise.analysis.disagreements import Disagreement
from tunewise.analysis.facts import Facts
from tunewise.analysis.shortlist import FEW
from tunewise.analysis.wording import split_name
from tunewise.reports.document import model as doc

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
        examples = tuple(
            doc.Example(
                one.id, tuple(one.texts.items()), " / ".join(one.right), tuple(_answers(one))
            )
            for one in found
        )
        yield doc.Examples("Disagreements", examples, most)


def _answers(example: Disagreement) -> Iterator[doc.Answer]:
    """Those who gave one answer stand together."""
    answer_of = attrgetter("answer")
    for answer, group in groupby(sorted(example.answers, key=answer_of), key=answer_of):
        given = list(group)
        seeds = (
            f"{one.agreeing}/{one.seeds}" if one.agreeing != one.seeds else "" for one in given
        )
        by = tuple(
            doc.Named(one.name, one.position, detail=detail)
            for one, detail in zip(given, seeds, strict=True)
        )
        yield doc.Answer(answer, given[0].right, by)
