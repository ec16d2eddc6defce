"""One look of a race: who is shown to be behind on validation, and what more seeds could decide.

The statistics are the verdict's own, on validation instead of test. The error of 2.5 % is spread
over all looks and, within a look, over the contenders that may seem better than the one that is
dropped: the truly best contender of a race is dropped in at most 2.5 % of races, however long they
are. The verdict on the test split spends its own 5 % on those that remain; half of that for drops
leaves little to add to it where all are equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tunewise.statistics.claims import Meeting
from tunewise.statistics.combine import Uncertainty
from tunewise.statistics.comparison import compare
from tunewise.statistics.intervals import normal_quantile
from tunewise.statistics.metrics import METRICS, Metric
from tunewise.statistics.power import seeds_needed
from tunewise.statistics.score_matrix import RowScores, group_by_examples
from tunewise.store.answers import Answers, row_scores
from tunewise.store.race import Against

ERROR = 0.025  # that the truly best is dropped, over all looks
ALPHA = 0.05  # of the verdict to come
POWER = 0.8
RESAMPLES = 1000  # for metrics that are no mean
FEW = 20  # for means, whose variance is known in closed form


@dataclass(frozen=True)
class Terms:
    """What a look is made under."""

    metric: str
    number: int  # of the look, from 1
    most_seeds: int  # of the study's list
    margin: float | None = None
    ratio: float = 1.0  # validation examples for each of the test


@dataclass(frozen=True)
class Look:
    """What was seen: each row beside the best one, the open ones by what a seed may decide."""

    best: str
    behind: tuple[Against, ...]
    equivalent: tuple[Against, ...]
    open: tuple[Against, ...]


def alpha_of(look: int) -> float:
    """The error that a look may spend; over all looks, however many, `ERROR`.

    >>> round(alpha_of(1), 4), round(sum(map(alpha_of, range(1, 10_000))), 4)
    (0.0152, 0.025)
    """
    return ERROR * 6 / (math.pi * look) ** 2


def look_at(rows: Sequence[RowScores], terms: Terms) -> Look:
    """Compare rows over the same validation examples with the best of them.

    Rows with randomness have the same seeds, two or more.
    """
    level = alpha_of(terms.number) / max(1, len(rows) - 1)
    metric = METRICS[terms.metric]
    compared = compare(
        rows,
        terms.metric,
        rng=np.random.default_rng(0),
        equivalence_margin=terms.margin,
        level=1 - level,
        resamples=_resamples(metric),
    )
    best = str(compared.best)
    prospects = _prospects(rows, best, metric, terms)
    pairs = [pair for pair in compared.pairs if pair.other == best]
    seen = {}
    for pair in pairs:  # by the larger p value of its claims, as the verdict decides; one-sided
        p_values = [claim.p for claim in (pair.items, pair.method) if claim.p is not None]
        upward = pair.difference if metric.higher_is_better else -pair.difference
        two_sided = max(p_values, default=1.0)
        chance = two_sided / 2 if upward < 0 else 1 - two_sided / 2
        against = Against(pair.row, pair.other, upward, chance, level)
        seen[pair.row] = replace(against, **prospects(pair.row))
    behind = [one for one in seen.values() if one.difference < 0 and one.chance < level]
    names = {one.contender for one in behind}
    level_ones = [
        seen[pair.row]
        for pair in pairs
        if pair.row not in names and pair.equivalence is not None and pair.equivalence.equivalent
    ]
    names |= {one.contender for one in level_ones}
    rest = [one for one in seen.values() if one.contender not in names]
    rest.sort(key=lambda one: (-one.next_seed, one.contender))
    return Look(best, tuple(behind), tuple(level_ones), tuple(rest))


def by_examples(runs: Mapping[str, Answers], metric: str) -> tuple[str, dict[str, Against]]:
    """The best of single runs, and each other one beside it by the examples alone.

    Nothing is decided by it, and no error is spent; p values are corrected over the pairs.
    """
    rows = [row_scores(name, {0: run}, seeded=False) for name, run in runs.items()]
    measure = METRICS[metric]
    rng, resamples = np.random.default_rng(0), _resamples(measure)
    compared = compare(rows, metric, rng=rng, resamples=resamples)
    best = str(compared.best)
    pairs = [pair for pair in compared.pairs if pair.other == best]
    sign = 1 if measure.higher_is_better else -1
    others = {}
    for pair in pairs:
        p = pair.deciding.p_adjusted
        chance = 0.5 if p is None else p / 2
        others[pair.row] = Against(pair.row, best, sign * pair.difference, chance)
    return best, others


def _resamples(metric: Metric) -> int:
    return FEW if metric.is_mean else RESAMPLES


def _prospects(
    rows: Sequence[RowScores], best: str, metric: Metric, terms: Terms
) -> Callable[[str], Mapping[str, Any]]:
    """What further seeds would decide of a row and the best one.

    The variance over seeds is pooled over the pairs: two seeds may lie close by chance.
    """
    by_name = {row.name: row for row in rows}
    rng, resamples = np.random.default_rng(0), _resamples(metric)
    groups = group_by_examples(rows, metric, rng=rng, resamples=resamples)
    found: dict[str, Uncertainty] = {}
    for group in groups:
        here = {row.name: row for row in group.rows}
        if best not in here:
            continue
        for name, row in here.items():
            joined = Meeting(row, here[best], group, metric).over_seeds
            if name != best and not isinstance(joined, str):
                found[name] = joined
    seeds = max(len(row.seeds) for row in rows)
    varying = [one.seed_variance * seeds for one in found.values() if one.df is not None]
    pooled = float(np.mean(varying)) if varying else 0.0
    alpha = ALPHA / max(1, len(rows) - 1)

    def prospects(name: str) -> Mapping[str, Any]:
        one = found.get(name)
        if one is None or (one.df is None and not by_name[best].seeded):
            return {}
        examples = one.example_variance * min(1.0, terms.ratio)
        odds = _Odds(one.estimate, pooled, examples, seeds, alpha, terms.margin)
        after = {
            "next_seed": odds.after(seeds + 1) if seeds < terms.most_seeds else 0.0,
            "outlook": odds.after(terms.most_seeds),
        }
        return {**after, "needed": odds.needed()}

    return prospects


@dataclass(frozen=True)
class _Odds:
    """The chance that two are told apart, or shown to be level, after so many seeds in all."""

    difference: float
    variance: float  # of the difference over single seeds
    examples: float  # variance that all seeds share
    seeds: int
    alpha: float  # two-sided
    margin: float | None

    def after(self, seeds: int) -> float:
        """Chance over the seeds to come; the examples stay."""
        joined = Uncertainty(self.difference, self.variance / seeds, self.examples, seeds - 1.0)
        reach = joined.critical(1 - self.alpha) * joined.standard_error
        spread = math.sqrt(self.variance * max(0.0, 1 / self.seeds - 1 / seeds))

        def below(edge: float) -> float:
            if spread == 0:
                return float(self.difference < edge)
            return 0.5 * math.erfc((self.difference - edge) / spread / math.sqrt(2))

        apart = below(-reach) + 1 - below(reach)
        inside = (self.margin or 0.0) - reach
        return apart + (below(inside) - below(-inside) if inside > 0 else 0.0)

    def needed(self) -> int | None:
        """Seeds in all that would show the difference, were it as seen, with 80 % power.

        None where the examples alone hide it.
        """
        reach = normal_quantile(1 - self.alpha) + normal_quantile(2 * POWER - 1)
        if self.variance <= 0 or abs(self.difference) <= reach * math.sqrt(self.examples):
            return None
        spread = math.sqrt(self.variance)
        error = math.sqrt(self.examples) / spread
        return seeds_needed(
            self.difference / spread, example_error=error, power=POWER, alpha=self.alpha
        )
