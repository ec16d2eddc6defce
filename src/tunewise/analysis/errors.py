"""A contender's answers example by example: the most confident errors, the likely label mistakes.

Seeds speak together: probabilities are means over seeds, and the answer is the likeliest option.
Validation and test count, since no trial learns from their labels; validation chose among search
points, which its probabilities were not fitted to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from tunewise.analysis.disagreements import majority_answer, truth_of
from tunewise.analysis.evidence import Contender, Evidence
from tunewise.core.errors import InputError, Problem, unknown
from tunewise.statistics.label_errors import ABLE, likely_label_errors
from tunewise.store.answers import Answers

HELD_OUT = ("validation", "test")


@dataclass(frozen=True)
class AnsweredExample:
    """An example of a split with what a contender answered. Probabilities are fractions.

    Of written answers there are no probabilities, and `label` names every right text.
    """

    id: str
    split: str
    texts: Mapping[str, str]
    label: str
    answer: str
    right: bool
    agreeing: float  # fraction of the seeds that were right
    probabilities: Mapping[str, float] = field(default_factory=dict)

    @property
    def confidence(self) -> float | None:
        """The probability of the answer."""
        return self.probabilities.get(self.answer)

    @property
    def label_probability(self) -> float | None:
        return self.probabilities.get(self.label)


@dataclass(frozen=True)
class Errors:
    """What a contender gets wrong on the deciding split, and labels that are probably wrong.

    `mistakes` are among the `examined` held-out examples of both splits, of which it agrees with
    the label of a fraction. A contender that agrees with too few doubts no label.
    """

    contender: str
    position: int
    split: str
    answered: int
    wrong: tuple[AnsweredExample, ...]  # the most confident first
    mistakes: tuple[AnsweredExample, ...]  # the least probable label first
    examined: int
    agreement: float

    @property
    def able(self) -> bool:
        """Whether its doubts are worth reading."""
        return self.agreement >= ABLE

    @cached_property
    def suspected(self) -> frozenset[tuple[str, str]]:
        """Split and id of each likely mistake."""
        return frozenset((one.split, one.id) for one in self.mistakes)

    @property
    def others(self) -> list[AnsweredExample]:
        """The wrong answers whose label is not doubted."""
        return [one for one in self.wrong if (one.split, one.id) not in self.suspected]

    @property
    def listing(self) -> list[AnsweredExample]:
        """Everything to look at once: likely mistakes, then the other errors."""
        return [*self.mistakes, *self.others]


def contender_named(evidence: Evidence, name: str) -> Contender:
    """The contender of that name.

    Raises:
        InputError: there is none, with the nearest name.
    """
    if name not in evidence.by_name:
        message = unknown("contender", name, evidence.by_name)
        raise InputError([Problem(str(evidence.path), message)])
    return evidence.by_name[name]


def examples_of(evidence: Evidence, contender: Contender, split: str) -> list[AnsweredExample]:
    """Every example of a split in the stored order; none where it was not answered."""
    runs = list(contender.answers(split).values())
    if not runs:
        return []
    texts = evidence.texts(split)
    chances = _mean_probabilities(runs)
    found = []
    for at, id in enumerate(runs[0].ids):
        label = " | ".join(truth_of(evidence, runs[0], id))
        agreeing = fmean(
            bool(run.choices[place] == run.labels[place])
            for run in runs
            if (place := run.places.get(id)) is not None
        )
        shares: dict[str, float] = {}
        if chances is None:
            voted = majority_answer(evidence, contender, runs, id)
            answer, right = voted.answer, voted.right
        else:
            best = int(chances[at].argmax())
            answer, right = evidence.option(best), best == int(runs[0].labels[at])
            shares = {evidence.option(n): float(p) for n, p in enumerate(chances[at])}
        own = texts.get(id, {})
        found.append(AnsweredExample(id, split, own, label, answer, right, agreeing, shares))
    return found


def errors_of(evidence: Evidence, contender: Contender) -> Errors | None:
    """What a contender gets wrong; None where it has answered nothing."""
    asked = {split: examples_of(evidence, contender, split) for split in HELD_OUT}
    own = asked[evidence.split]
    if not own:
        return None
    examined: list[AnsweredExample] = []
    labels, chances = [], []
    for split, answered in asked.items():
        runs = list(contender.answers(split).values())
        if runs and (found := _mean_probabilities(runs)) is not None:
            examined += answered
            labels.append(np.asarray(runs[0].labels))
            chances.append(found)
    agreement = fmean(one.right for one in examined) if examined else 0.0
    doubted: list[int] = []  # places of labels
    if agreement >= ABLE:  # the thresholds of the classes are those of both splits together
        doubted = likely_label_errors(np.concatenate(labels), np.concatenate(chances)).tolist()
    wrong = [one for one in own if not one.right]
    wrong.sort(key=lambda one: (-(one.confidence or 0.0), one.agreeing))
    return Errors(
        contender.name,
        contender.position,
        evidence.split,
        answered=len(own),
        wrong=tuple(wrong),
        mistakes=tuple(examined[place] for place in doubted),
        examined=len(examined),
        agreement=agreement,
    )


def errors(evidence: Evidence, ranked: Sequence[str]) -> Errors | None:
    """Those of the first of the ranked contenders that tells examples apart; None without one."""
    known = {one.name: (one, runs) for one, runs in evidence.answered}
    for contender, runs in (known[name] for name in ranked if name in known):
        if any(run.written or len(np.unique(run.choices)) > 1 for run in runs):
            return errors_of(evidence, contender)
    return None


def _mean_probabilities(runs: Sequence[Answers]) -> NDArray[np.float64] | None:
    """Over seeds, in the order of the first one's examples; None where there are none."""
    given = [run for run in runs if run.probabilities is not None and run.ids == runs[0].ids]
    if not given or runs[0].probabilities is None:
        return None
    return np.mean([np.asarray(run.probabilities, dtype=np.float64) for run in given], axis=0)
