"""What can be claimed about the difference of two rows over the same examples.

One claim is about these trained models, the other about the methods behind them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tunewise.statistics.combine import Uncertainty
from tunewise.statistics.intervals import Interval, none_differs
from tunewise.statistics.metrics import FloatArray, Metric
from tunewise.statistics.paired import p_over_examples
from tunewise.statistics.power import detectable_difference, detectable_shift, examples_needed
from tunewise.statistics.score_matrix import RowScores, SharedExamples
from tunewise.statistics.seed_pair import SeedPair
from tunewise.statistics.summary import why_no_method_claim

POWER = 0.8
NORMAL_DF = 1e6  # degrees of freedom at which Student's t is normal


@dataclass(frozen=True)
class Claim:
    """What can be claimed about a difference, or why nothing can.

    `interval` belongs to this difference alone; `p_adjusted` counts the other comparisons, and
    `separated` says that it is below alpha. `detectable` is the smallest difference that this
    claim would be made about in 80 of 100 such studies, other comparisons allowed for. All are
    None where the claim is not testable. `reason` says why, and why a claim has no interval.
    """

    test: str | None = None
    interval: Interval | None = None
    p: float | None = None
    p_adjusted: float | None = None
    separated: bool | None = None
    detectable: float | None = None
    reason: str | None = None

    def turned(self) -> Claim:
        """The same claim about the second minus the first."""
        return replace(self, interval=self.interval.turned()) if self.interval else self


@dataclass(frozen=True)
class Terms:
    """What all pairs of a comparison have in common."""

    metric: Metric
    level: float
    comparisons: int
    margin: float | None
    resamples: int

    @property
    def randomizations(self) -> int:
        """Enough of them that the smallest possible p-value survives the correction."""
        return max(self.resamples, math.ceil(2 / self.strictest_alpha))

    @property
    def strictest_alpha(self) -> float:
        """The level of Holm's first step: whatever passes it passes the correction."""
        return (1 - self.level) / max(1, self.comparisons)


@dataclass(frozen=True)
class Meeting:
    """Two rows over the same examples, and what both claims about them are made of."""

    row: RowScores
    other: RowScores
    group: SharedExamples
    metric: Metric

    @property
    def paired(self) -> bool:
        """Whether their runs go together seed by seed: same seed, same order of the data."""
        return self.row.seeded and self.other.seeded and self.row.seeds == self.other.seeds

    @cached_property
    def mix(self) -> FloatArray:
        """The weights that turn the scores of all runs into the difference of the two means."""
        return self.group.mean_of(self.row) - self.group.mean_of(self.other)

    @property
    def difference(self) -> float:
        return self.group.drawn.mixed(self.mix)

    @property
    def features(self) -> tuple[FloatArray, FloatArray]:
        """The metric's features of each row, averaged over its runs: (examples, sums) twice."""
        return self.group.features[self.row.name], self.group.features[self.other.name]

    @property
    def alike(self) -> bool:
        """Whether the rows score alike on every example, averaged over their runs."""
        return np.array_equal(*self.features)

    @cached_property
    def disagreement(self) -> float | None:
        """Mean squared difference per example; None for metrics that are no fraction of right
        answers.

        Of single runs it is the fraction of examples that exactly one of the two gets right.
        """
        if self.metric.kind != "proportion":
            return None
        ours, theirs = self.features
        return float(((ours - theirs)[:, 0] ** 2).mean())

    @cached_property
    def over_examples(self) -> Uncertainty:
        """The difference between these trained models, uncertain through the examples alone."""
        runs = np.flatnonzero(self.mix)
        mix = self.mix[runs]
        variance = float(mix @ self.group.drawn.covariance(runs) @ mix)
        return Uncertainty(self.difference, 0.0, max(variance, 0.0), None)

    @cached_property
    def by_seed(self) -> SeedPair:
        """Their scores by seed, among those of all rows."""
        return SeedPair(
            (self.row.name, self.other.name),
            (self.group.scores(self.row), self.group.scores(self.other)),
            self.group.covariance(self.row, self.other),
            self.group.spreads,
            self.paired,
            (self.row.seeded, self.other.seeded),
        )

    @cached_property
    def over_seeds(self) -> Uncertainty | str:
        """The difference between the methods, or why nothing can be claimed about it."""
        reasons = [why for one in (self.row, self.other) if (why := why_no_method_claim(one))]
        return "; ".join(reasons) if reasons else self.by_seed.difference

    def needed_examples(self, alpha: float) -> int | None:
        """Examples that would show a difference as large as the one seen; None where none would."""
        difference = self.difference
        if difference == 0 or self.disagreement == 0:  # rounding may leave a difference of nothing
            return None
        if self.disagreement is not None:
            return examples_needed(difference, self.disagreement, power=POWER, alpha=alpha)
        shift = detectable_shift(NORMAL_DF, power=POWER, alpha=alpha)
        ratio = shift * self.over_examples.standard_error / difference
        return math.ceil(self.group.items * ratio**2)


def examples_claim(meeting: Meeting, terms: Terms, *, rng: np.random.Generator) -> Claim:
    """Would the order of these trained models hold on other examples? With its interval."""
    return with_items_interval(items_test(meeting, terms, rng=rng), meeting, terms)


def items_test(meeting: Meeting, terms: Terms, *, rng: np.random.Generator) -> Claim:
    """The p value of that claim, which a correction needs of every pair.

    All runs of a row speak together: an example changes sides in all of them or in none. For right
    and wrong answers that test is exact; with one run each it is McNemar's.
    """
    ours, theirs = meeting.features
    runs = math.lcm(len(meeting.row.seeds), len(meeting.other.seeds))
    p, test = p_over_examples(
        meeting.metric, ours, theirs, runs=runs, rng=rng, resamples=terms.randomizations
    )
    return Claim(test, p=p)


def with_items_interval(claim: Claim, meeting: Meeting, terms: Terms) -> Claim:
    """The claim with what is shown beside its p value."""
    interval, reason = _examples_interval(meeting, terms.level)
    alpha = terms.strictest_alpha
    if meeting.disagreement is not None:
        detectable: float | None = detectable_difference(
            meeting.group.items, meeting.disagreement, power=POWER, alpha=alpha
        )
    else:
        shift = detectable_shift(NORMAL_DF, power=POWER, alpha=alpha)
        detectable = shift * meeting.over_examples.standard_error or None
    return replace(claim, interval=interval, detectable=detectable, reason=reason)


def method_test(meeting: Meeting) -> Claim:
    """Would the methods' order hold with other seeds and other examples? The p value alone."""
    joined = meeting.over_seeds
    if isinstance(joined, str):
        return Claim(reason=joined)
    test = "normal over examples; neither method has randomness"
    if joined.df is not None:
        test = f"{meeting.by_seed.test}, joined with examples"
    return Claim(test, p=joined.p_two_sided())


def with_method_interval(claim: Claim, meeting: Meeting, terms: Terms) -> Claim:
    """The claim with what is shown beside its p value; nothing where it could not be tested."""
    joined = meeting.over_seeds
    if isinstance(joined, str):
        return claim
    shift = detectable_shift(
        min(joined.satterthwaite_df, NORMAL_DF), power=POWER, alpha=terms.strictest_alpha
    )
    error = joined.standard_error
    over_seeds, over_examples, reason = joined.interval(terms.level), None, None
    if meeting.alike or error == 0:
        over_examples, reason = _examples_interval(meeting, terms.level)
    if meeting.alike:  # examples add no variance, and yet leave no less doubt than without seeds
        interval = over_examples and over_seeds.and_independent(over_examples)
    else:
        interval = over_examples if error == 0 else over_seeds
    return replace(claim, interval=interval, detectable=shift * error or None, reason=reason)


def _examples_interval(meeting: Meeting, level: float) -> tuple[Interval | None, str | None]:
    """BCa over examples, or why there is none. Where no example differs there is nothing to redraw,
    but not no doubt.
    """
    if not meeting.alike:
        interval = meeting.group.drawn.interval(meeting.mix, level=level)
        if interval is None:
            return None, f"{meeting.metric.name} is undefined in many resamples: too few examples"
        return interval, None
    if meeting.metric.kind != "proportion":
        return None, "every answer scored alike; not testable"
    return none_differs(meeting.group.items, level=level), None
