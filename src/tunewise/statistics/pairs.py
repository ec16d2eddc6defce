"""Two rows side by side: both claims, and what else is worth knowing about the pair."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tunewise.statistics.claims import (
    POWER,
    Claim,
    Meeting,
    Terms,
    items_test,
    method_test,
    with_items_interval,
    with_method_interval,
)
from tunewise.statistics.combine import Equivalence, tost
from tunewise.statistics.intervals import none_differs
from tunewise.statistics.paired import McNemar, mcnemar_of
from tunewise.statistics.score_matrix import RowScores, SharedExamples
from tunewise.statistics.seeds import Improvement, probability_of_improvement

Decision = Literal["method", "items", "nothing"]
Outcome = Literal["different", "not-shown-over-seeds", "tied", "untested"]


@dataclass(frozen=True)
class Pair:
    """``row - other`` in the unit of the metric, and what it is worth.

    `items` is about these trained models, `method` about other seeds as well. Two rows that are
    called different must differ in both, as far as they could be tested: `decided_by` names the
    claim with the larger p value. Where the examples do not separate the two, they are `tied`;
    where the examples do and the seeds do not, see `outcome`. (Few seeds may lie close by chance,
    and then the claim about the methods alone would be bolder than that about its own models.)
    `confirmatory` says that the pair belongs to the family, so
    `correction` is Holm's. `mcnemar` holds one test per seed that both ran, for reference: the
    claim rests on all seeds together.

    `disagreement` is the mean squared difference per example, for single runs the fraction of
    examples that exactly one of them gets right. So many `needed_items` would show the observed
    difference between these trained models, so many `needed_seeds` on these examples that between
    the methods, in 80 of 100 studies and other comparisons allowed for; None where no number
    would, or where it is unknown.
    """

    row: str
    other: str
    difference: float
    items: Claim
    method: Claim
    decided_by: Decision = "nothing"
    tied: bool = True
    correction: Literal["Holm", "Benjamini-Hochberg"] = "Holm"
    confirmatory: bool = True
    mcnemar: dict[int, McNemar] = field(default_factory=dict)
    disagreement: float | None = None
    needed_items: int | None = None
    needed_seeds: int | None = None
    equivalence: Equivalence | None = None
    improvement: Improvement | None = None

    def turned(self) -> Pair:
        """The same pair as ``other - row``; what only the first sight tells is left out."""
        tests = {
            seed: test._replace(first_only=test.second_only, second_only=test.first_only)
            for seed, test in self.mcnemar.items()
        }
        same = self.equivalence
        return replace(
            self,
            row=self.other,
            other=self.row,
            difference=-self.difference,
            items=self.items.turned(),
            method=self.method.turned(),
            mcnemar=tests,
            equivalence=same and replace(same, interval=same.interval.turned()),
            improvement=None,
        )

    @property
    def deciding(self) -> Claim:
        """The claim by which the two are different or not."""
        return self.method if self.decided_by == "method" else self.items

    @property
    def outcome(self) -> Outcome:
        """What the two claims say together, once p values are adjusted."""
        if self.decided_by == "nothing":
            return "untested"
        if self.tied:
            return "tied"
        return "different" if self.deciding.separated else "not-shown-over-seeds"


def unpaired(row: RowScores, other: RowScores, difference: float) -> Pair:
    """A pair whose rows answered different examples, or the same with different labels."""
    same = sorted(row.ids) == sorted(other.ids)
    what = "the same examples have different labels" if same else "they answered different examples"
    claim = Claim(reason=f"not testable: {what}")
    return Pair(row.name, other.name, difference, claim, claim)


def compare_pair(
    row: RowScores,
    other: RowScores,
    group: SharedExamples,
    terms: Terms,
    *,
    rng: np.random.Generator,
) -> Pair:
    """Both claims about two rows over the same examples; p-values are not yet adjusted."""
    meeting = Meeting(row, other, group, terms.metric)
    return described(tested(meeting, terms, rng=rng), meeting, terms)


def tested(meeting: Meeting, terms: Terms, *, rng: np.random.Generator) -> Pair:
    """The p values of both claims, which a correction needs of every pair, and nothing else."""
    examples = items_test(meeting, terms, rng=rng)
    return Pair(
        meeting.row.name,
        meeting.other.name,
        meeting.difference,
        examples,
        method=method_test(meeting),
    )


def described(pair: Pair, meeting: Meeting, terms: Terms) -> Pair:
    """A pair that was tested, with everything that is shown of it."""
    joined, needed_seeds = meeting.over_seeds, None
    if not isinstance(joined, str) and joined.df is not None:
        needed_seeds = meeting.by_seed.needed(
            power=POWER, alpha=terms.strictest_alpha, not_enough=pair.method.separated is False
        )
    improvement = None
    if min(len(meeting.row.seeds), len(meeting.other.seeds)) > 1:
        sign = 1.0 if terms.metric.higher_is_better else -1.0
        ours, theirs = meeting.group.scores(meeting.row), meeting.group.scores(meeting.other)
        improvement = probability_of_improvement(sign * ours, sign * theirs, level=terms.level)
    return replace(
        pair,
        items=with_items_interval(pair.items, meeting, terms),
        method=with_method_interval(pair.method, meeting, terms),
        mcnemar=_mcnemar_by_seed(meeting),
        disagreement=meeting.disagreement,
        needed_items=meeting.needed_examples(terms.strictest_alpha),
        needed_seeds=needed_seeds,
        equivalence=_equivalence(meeting, terms),
        improvement=improvement,
    )


def _mcnemar_by_seed(meeting: Meeting) -> dict[int, McNemar]:
    """One test per seed that both ran; a method without randomness meets every seed."""
    if meeting.metric.kind != "proportion":
        return {}
    labels = meeting.row.labels
    tests = {}
    for seed in sorted({*meeting.row.seeds, *meeting.other.seeds}):
        first, second = _run(meeting.row, seed), _run(meeting.other, seed)
        if first is not None and second is not None:
            tests[seed] = mcnemar_of(first == labels, second == labels)
    return tests


def _run(row: RowScores, seed: int) -> NDArray[np.integer] | None:
    return row.choices.get(seed) if row.seeded else row.choices[row.seeds[0]]


def _equivalence(meeting: Meeting, terms: Terms) -> Equivalence | None:
    if terms.margin is None:
        return None
    joined, alpha = meeting.over_seeds, 1 - terms.level
    both = [meeting.over_examples] if isinstance(joined, str) else [meeting.over_examples, joined]
    tests = [tost(one, margin=terms.margin, alpha=alpha) for one in both if one.standard_error > 0]
    if meeting.alike:
        if meeting.metric.kind != "proportion":
            return None
        # So many examples show no difference with this chance, were the margin the truth.
        p = max(0.0, 1 - terms.margin) ** meeting.group.items
        interval = none_differs(meeting.group.items, level=1 - 2 * alpha)
        tests.append(Equivalence(terms.margin, p, interval, p < alpha))
    # Like a difference it must hold over examples and over seeds: seeds may lie close.
    return max(tests, key=lambda test: test.p, default=None)
