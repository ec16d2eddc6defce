"""Whether the expert form of a prompt is more accurate or more coherent than the other forms.

Accuracy is tested over all seeds, as the verdict does, by the same paired test of examples.
Coherence is what can be counted in the texts of the first seed (`holds_together`), by exact
McNemar. Forms are compared on one model; Holm counts the pairs of that model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from tunewise.analysis.comparisons import LEVEL, RESAMPLES_BESIDE, answered
from tunewise.analysis.evidence import Evidence
from tunewise.analysis.prompts.side_by_side import SideBySide
from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.statistics.comparison import compare
from tunewise.statistics.corrections import holm
from tunewise.statistics.paired import mcnemar_of
from tunewise.statistics.replies import RUN, holds_together

BESIDE = {  # settings beside the form, as a table names them
    "scoring": "scoring",
    "labels": "labels",
    "calibrate": "calibration",
    "per_token": "weighing per token",
    "max_new_tokens": "length",
}
NOT_WRITTEN = {"max_new_tokens"}  # means nothing where labels are only weighed


@dataclass(frozen=True)
class Gap:
    """The expert form minus another, as a fraction of examples, with its corrected p value."""

    difference: float
    p: float
    separated: bool


@dataclass(frozen=True)
class Versus:
    """The expert form against one other. `beside` is what they differ in that is no form.

    `accuracy` is None where no label is known, `together` where one of the two writes no text.
    """

    expert: str
    other: str
    accuracy: Gap | None
    together: Gap | None
    beside: tuple[str, ...]


def expert_against(evidence: Evidence, asked: SideBySide) -> list[Versus]:
    """Every expert form against every other form on its model, in a chat as it is or plainly."""
    found = []
    for places in asked.by_model:
        expert = [place for place in places if asked.prompts[place].expert]
        pairs = [
            (one, other)
            for one in expert
            for other in places
            if other not in expert and asked.prompts[one].chat == asked.prompts[other].chat
        ]
        if not pairs:
            continue
        accuracy, together = _accuracy(evidence, asked, pairs), _together(asked, pairs)
        for pair in pairs:
            ours, theirs = (asked.prompts[place] for place in pair)
            tests = accuracy.get(pair), together.get(pair)
            both_write = ours.writes and theirs.writes
            found.append(
                Versus(
                    ours.name,
                    theirs.name,
                    *tests,
                    tuple(
                        sentence
                        for name, sentence in BESIDE.items()
                        if ours.settings.get(name) != theirs.settings.get(name)
                        and (both_write or name not in NOT_WRITTEN)
                    ),
                )
            )
    return found


def expert_answers(found: Sequence[Versus]) -> list[str]:
    """The two questions, each with its answer."""
    if not found:
        return []
    accurate = [(one, one.accuracy) for one in found if one.accuracy]
    coherent = [(one, one.together) for one in found if one.together]
    counted = (
        f" (as far as it can be counted: a text holds together where it names one answer and no "
        f"other, and no {RUN} words in a row come twice)"
    )
    return [
        f"Is the expert form more accurate? {_answer(accurate)}",
        f"Is it more coherent{counted}? {_answer(coherent)}",
    ]


def _answer(gaps: Sequence[tuple[Versus, Gap]]) -> str:
    if not gaps:
        return "Not known: no other form provides what would be compared."
    more = [shown(one.other) for one, gap in gaps if gap.separated and gap.difference > 0]
    less = [shown(one.other) for one, gap in gaps if gap.separated and gap.difference < 0]
    sentences = []
    if more:
        sentences.append(f"Yes, against {listed(more)}.")
    if less:
        sentences.append(f"Less so than {listed(less)}.")
    rest = len(gaps) - len(more) - len(less)
    if rest:
        others = "the other form" if rest == 1 else f"each of {rest} other forms"
        sentences.append(
            f"{'' if sentences else 'Not shown. '}The difference to {others} could be chance."
        )
    return " ".join(sentences)


def _accuracy(
    evidence: Evidence, asked: SideBySide, pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], Gap]:
    family = [(asked.prompts[one].name, asked.prompts[other].name) for one, other in pairs]
    members = {name for pair in family for name in pair}
    rows = [row for row in answered(evidence.contenders, asked.split) if row.name in members]
    if len(rows) < len(members) or any(example.right is None for example in asked.items):
        return {}
    rng = np.random.default_rng(0)
    found = compare(
        rows, "accuracy", rng=rng, family=family, level=LEVEL, resamples=RESAMPLES_BESIDE
    )
    by_pair = {frozenset((pair.row, pair.other)): pair for pair in found.pairs}
    gaps = {}
    for places, names in zip(pairs, family, strict=True):
        pair = by_pair[frozenset(names)]
        if (p := pair.items.p_adjusted) is not None:
            sign = 1 if pair.row == names[0] else -1  # a pair with the best reads from the other
            gaps[places] = Gap(sign * pair.difference, p, bool(pair.items.separated))
    return gaps


def _together(asked: SideBySide, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Gap]:
    held = {
        place: [holds_together(reply.text or "", prompt.words) for reply in asked.replies(place)]
        for place, prompt in enumerate(asked.prompts)
        if prompt.writes
    }
    writing = [pair for pair in pairs if held.keys() >= {*pair}]
    if not writing:
        return {}
    raw = [mcnemar_of(held[one], held[other]).exact for one, other in writing]
    return {
        (one, other): Gap(fmean(held[one]) - fmean(held[other]), p, p < 1 - LEVEL)
        for (one, other), p in zip(writing, holm(raw).tolist(), strict=True)
    }
