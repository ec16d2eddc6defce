"""The examples on which contenders disagree most, with what each of them answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunewise.analysis.evidence import Contender, Evidence
from tunewise.statistics.majority import NONE, majority, most_divided
from tunewise.statistics.squad import normalized
from tunewise.store.answers import Answers

MOST_SHOWN = 15
NOTHING = "(nothing)"


@dataclass(frozen=True)
class Answered:
    """What a contender answered: the answer of most of its seeds."""

    name: str
    position: int
    answer: str  # the option's name, or the text
    right: bool
    agreeing: int  # seeds that gave this answer
    seeds: int


@dataclass(frozen=True)
class Disagreement:
    """One example and every contender's answer to it."""

    id: str
    texts: dict[str, str]
    right: tuple[str, ...]  # every answer that counts as right
    answers: tuple[Answered, ...]

    @property
    def pairs(self) -> int:
        """Pairs of contenders whose answers differ."""
        return differing_pairs(answer.answer for answer in self.answers)


def differing_pairs(answers: Iterable[Hashable]) -> int:
    """How many pairs of answers are not the same.

    >>> differing_pairs(["yes", "no", "yes"])
    2
    """
    votes = Counter(answers)
    return (votes.total() ** 2 - sum(count * count for count in votes.values())) // 2


def disagreements(evidence: Evidence, *, most: int = MOST_SHOWN) -> list[Disagreement]:
    """The examples with the most pairs of differing contenders; the earlier of equals first.

    Only examples that every contender with answers was asked are compared.
    """
    asked = evidence.answered
    if len(asked) < 2:
        return []
    common = set.intersection(*({*runs[0].ids} for _, runs in asked))
    reference = asked[0][1][0]
    both = [id for id in reference.ids if id in common]
    texts: dict[str, int] = {}  # a number for each written answer
    voted = [majority(np.stack([_numbered(run, both, texts) for run in runs])) for _, runs in asked]
    chosen = [both[place] for place in most_divided(voted, most)]
    shown = evidence.texts(evidence.split) if chosen else {}
    return [
        Disagreement(
            id,
            shown.get(id, {}),
            truth_of(evidence, reference, id),
            tuple(majority_answer(evidence, one, runs, id) for one, runs in asked),
        )
        for id in chosen
    ]


def _numbered(run: Answers, ids: Sequence[str], texts: dict[str, int]) -> NDArray[np.int64]:
    """Every answer as a number, alike texts as one, which `texts` is given."""
    numbers = np.asarray(run.choices, dtype=np.int64)
    if run.written:
        alike = (normalized(text) for text in run.written)
        numbers = np.array([texts.setdefault(text, len(texts)) for text in alike], dtype=np.int64)
    if run.ids == tuple(ids):
        return numbers
    found = np.array([run.places.get(id, NONE) for id in ids], dtype=np.int64)
    return np.where(found == NONE, NONE, numbers[found])


def majority_answer(
    evidence: Evidence, contender: Contender, runs: Sequence[Answers], id: str
) -> Answered:
    """The answer most seeds gave; of equals the one that came first."""
    # A written answer as it is compared, so that an article makes no disagreement.
    answers = [
        (
            normalized(run.written[at]) or NOTHING
            if run.written
            else evidence.option(int(run.choices[at])),
            bool(run.choices[at] == run.labels[at]),
        )
        for run in runs
        if (at := run.places.get(id)) is not None
    ]
    (answer, right), agreeing = Counter(answers).most_common(1)[0]
    return Answered(contender.name, contender.position, answer, right, agreeing, len(answers))


def truth_of(evidence: Evidence, run: Answers, id: str) -> tuple[str, ...]:
    """Every answer that counts as right for an example."""
    at = run.places[id]
    if run.references:
        return tuple(dict.fromkeys(run.references[at])) or (NOTHING,)
    return (evidence.option(int(run.labels[at])),)
