"""The examples on which contenders disagree most."""

from __future__ import annotations

from itertools import groupby

from tunewise.reports.document.model import (
    PRINT,
    Answer,
    Example,
    Examples,
    Named,
    Paragraph,
    Section,
)
from tunewise.reports.facts.disagreements import Answered, Disagreement
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.shortlist import FEW
from tunewise.reports.facts.wording import split_name

MOST_IN_PAPER, FEWER = 6, 4  # examples; fewer where many contenders answer each


def section(facts: Facts) -> Section | None:
    found = facts.disagreements
    if not found:
        return None
    split = facts.evidence.split
    text = (
        f"Examples of {split_name(split)} on which the most pairs of contenders answer "
        "differently. Each contender speaks with the answer of most of its seeds; “2/3” says how "
        f"many gave it. All answers to all examples stand in predictions/{split}.csv."
    )
    most = MOST_IN_PAPER if len(facts.evidence.contenders) <= FEW else FEWER
    examples = Examples("Disagreements", tuple(map(_example, found)), most)
    return Section.of("disagreements", "Disagreements", [Paragraph(text, outputs=PRINT), examples])


def _example(example: Disagreement) -> Example:
    """Those who gave one answer stand together."""
    ordered = sorted(example.answers, key=lambda one: one.answer)
    answers = tuple(
        _answer(answer, list(group)) for answer, group in groupby(ordered, key=lambda a: a.answer)
    )
    return Example(example.id, tuple(example.texts.items()), " / ".join(example.right), answers)


def _answer(answer: str, group: list[Answered]) -> Answer:
    by = tuple(
        Named(
            one.name,
            one.position,
            detail=f"{one.agreeing}/{one.seeds}" if one.agreeing != one.seeds else "",
        )
        for one in group
    )
    return Answer(answer, group[0].right, by)
