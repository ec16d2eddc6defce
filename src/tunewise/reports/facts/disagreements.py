"""The examples on which contenders disagree most, with what each of them answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from tunewise.reports.facts.answers import Answers
from tunewise.reports.facts.evidence import Contender, Evidence
from tunewise.statistics.squad import normalised

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
    asked = answered(evidence)
    if len(asked) < 2:
        return []
    common = set.intersection(*({*runs[0].ids} for _, runs in asked))
    reference = asked[0][1][0]
    found = [
        Disagreement(
            id,
            {},
            truth_of(evidence, reference, id),
            tuple(majority_answer(evidence, one, runs, id) for one, runs in asked),
        )
        for id in reference.ids
        if id in common
    ]
    split = sorted((one for one in found if one.pairs), key=lambda one: -one.pairs)[:most]
    texts = evidence.texts(evidence.split) if split else {}
    return [replace(one, texts=texts.get(one.id, {})) for one in split]


def answered(evidence: Evidence) -> list[tuple[Contender, list[Answers]]]:
    """The contenders with answers on the deciding split, one set a seed."""
    found = ((one, list(one.answers(evidence.split).values())) for one in evidence.contenders)
    return [(one, runs) for one, runs in found if runs]


def majority_answer(
    evidence: Evidence, contender: Contender, runs: Sequence[Answers], id: str
) -> Answered:
    """The answer most seeds gave; of equals the one that came first."""
    answers = [
        (_answer(evidence, run, at), bool(run.choices[at] == run.labels[at]))
        for run in runs
        if (at := run.places.get(id)) is not None
    ]
    (answer, right), agreeing = Counter(answers).most_common(1)[0]
    return Answered(contender.name, contender.position, answer, right, agreeing, len(answers))


def _answer(evidence: Evidence, run: Answers, at: int) -> str:
    """A written answer as it is compared, so that an article makes no disagreement."""
    if run.written:
        return normalised(run.written[at]) or NOTHING
    return evidence.option(int(run.choices[at]))


def truth_of(evidence: Evidence, run: Answers, id: str) -> tuple[str, ...]:
    """Every answer that counts as right for an example."""
    at = run.places[id]
    if run.references:
        return tuple(dict.fromkeys(run.references[at])) or (NOTHING,)
    return (evidence.option(int(run.labels[at])),)
