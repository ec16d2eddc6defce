"""Runs of which only the scores are known: what can be claimed without answers to examples.

Nothing can be paired example by example. Over examples, fractions of right answers are compared
as if each row had answered examples of its own, which is too cautious where they are the same.
Over seeds the moderated t applies as ever; the examples enter it by the largest variance that a
fraction of right answers can have. Where nobody says how many examples there were, a claim over
seeds holds for those examples alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from tunewise.statistics.claims import POWER, Claim, Terms
from tunewise.statistics.comparison import Comparison, decided
from tunewise.statistics.intervals import Interval, wilson
from tunewise.statistics.metrics import FloatArray, Metric
from tunewise.statistics.moderation import SeedSpreads
from tunewise.statistics.pairs import Pair
from tunewise.statistics.power import detectable_shift
from tunewise.statistics.proportions import two_proportions
from tunewise.statistics.seed_pair import SeedPair
from tunewise.statistics.summary import Row

NO_EXAMPLES = "not testable over examples: only scores are known, and not of how many examples"
NO_COUNT = "not testable over examples: of this metric only a mean is known"
ONE_SEED = "'{}' has one seed: not testable beyond these checkpoints"
TEST = "two-proportion test, unpaired"


@dataclass(frozen=True)
class ScoresAlone:
    """The scores of a row by seed, each over so many examples; None where that is not known."""

    name: str
    scores: Mapping[int, float]
    examples: int | None = None

    @property
    def values(self) -> FloatArray:
        return np.array([self.scores[seed] for seed in sorted(self.scores)])

    @property
    def mean(self) -> float:
        return float(self.values.mean())


def compare_scores(
    rows: Sequence[ScoresAlone], metric: Metric, *, level: float = 0.95
) -> Comparison:
    """Compare contenders by the scores of their runs; as `compare`, which needs their answers.

    Args:
        rows: one per contender, each with at least one score; names are unique.
        metric: what the scores are.
        level: coverage of the intervals; claims are made at ``1 - level``.
    """
    sign = -1 if metric.higher_is_better else 1
    ordered = sorted(rows, key=lambda row: sign * row.mean)
    couples = list(combinations(ordered, 2))
    spreads = SeedSpreads({row.name: row.scores for row in rows if len(row.scores) > 1})
    terms = Terms(metric, level, len(couples), margin=None, resamples=0)
    pairs = {frozenset((a.name, b.name)): _pair(b, a, spreads, terms) for a, b in couples}
    pairs = decided(pairs, set(pairs), alpha=1 - level)
    to_best = []
    for row in ordered[1:]:
        pair = pairs[frozenset((ordered[0].name, row.name))]
        if pair.method.reason is None:
            needed = _by_seed(row, ordered[0], spreads, metric).needed(
                power=POWER, alpha=terms.strictest_alpha, not_enough=pair.method.separated is False
            )
            pair = replace(pair, needed_seeds=needed)
        to_best.append(pair)
    outcomes = {pair.row: pair.outcome for pair in to_best}
    return Comparison(
        metric.name,
        metric.higher_is_better,
        level,
        None,
        len(couples),
        ordered[0].name,
        [row.name for row in ordered if outcomes.get(row.name, "tied") in {"tied", "untested"}],
        [row.name for row in ordered if outcomes.get(row.name) == "not-shown-over-seeds"],
        [_row(row, metric, level) for row in ordered],
        to_best,
    )


def interval_alone(row: ScoresAlone, metric: Metric, *, level: float = 0.95) -> Interval | None:
    """Wilson's interval of a fraction, as if all its runs together had answered as one."""
    if row.examples is None or metric.kind != "proportion":
        return None
    return wilson(row.mean * row.examples, row.examples, level=level)


def _row(row: ScoresAlone, metric: Metric, level: float) -> Row:
    scores: dict[int, float | None] = {seed: row.scores[seed] for seed in sorted(row.scores)}
    interval = interval_alone(row, metric, level=level)
    spread = float(row.values.std(ddof=1)) if len(row.values) > 1 else None
    reason = None if interval else _why_no_examples(row, metric)
    return Row(
        row.name, row.examples or 0, True, scores, row.mean, spread, interval, reason, None, reason
    )


def _why_no_examples(row: ScoresAlone, metric: Metric) -> str:
    return NO_EXAMPLES if row.examples is None else NO_COUNT


def _pair(row: ScoresAlone, other: ScoresAlone, spreads: SeedSpreads, terms: Terms) -> Pair:
    pair = Pair(
        row.name,
        other.name,
        row.mean - other.mean,
        _over_examples(row, other, terms.metric, terms.level),
        Claim(),
    )
    for one in (row, other):
        if len(one.scores) < 2:
            return replace(pair, method=Claim(reason=ONE_SEED.format(one.name)))
    return replace(pair, method=_over_seeds(_by_seed(row, other, spreads, terms.metric), terms))


def _over_examples(row: ScoresAlone, other: ScoresAlone, metric: Metric, level: float) -> Claim:
    lacking = next((one for one in (row, other) if one.examples is None), row)
    if row.examples is None or other.examples is None or metric.kind != "proportion":
        return Claim(reason=_why_no_examples(lacking, metric))
    found = two_proportions(
        row.mean * row.examples,
        row.examples,
        other.mean * other.examples,
        other.examples,
        level=level,
    )
    return Claim(TEST, found.interval, found.p)


def _by_seed(
    row: ScoresAlone, other: ScoresAlone, spreads: SeedSpreads, metric: Metric
) -> SeedPair:
    own, their = (np.ones((len(one.scores),) * 2) for one in (row, other))
    covariance = np.zeros((len(own) + len(their),) * 2)
    covariance[: len(own), : len(own)] = own * _example_variance(row, metric)
    covariance[len(own) :, len(own) :] = their * _example_variance(other, metric)
    return SeedPair(
        (row.name, other.name),
        (row.values, other.values),
        covariance,
        spreads,
        paired=sorted(row.scores) == sorted(other.scores),
    )


def _over_seeds(by_seed: SeedPair, terms: Terms) -> Claim:
    joined = by_seed.difference
    if joined.standard_error == 0:
        return Claim(reason="every run scored alike; not testable over seeds")
    examples = "" if joined.example_variance == 0 else ", joined with examples"
    shift = detectable_shift(
        min(joined.satterthwaite_df, 1e6), power=POWER, alpha=terms.strictest_alpha
    )
    return Claim(
        f"{by_seed.test}{examples}",
        joined.interval(terms.level),
        joined.p_two_sided(),
        detectable=shift * joined.standard_error,
    )


def _example_variance(row: ScoresAlone, metric: Metric) -> float:
    """Of a fraction, as if all seeds erred on the same examples."""
    if row.examples is None or metric.kind != "proportion":
        return 0.0
    return row.mean * (1 - row.mean) / row.examples
