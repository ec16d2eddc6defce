"""Variances over seeds, moderated by those of other contenders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.simulated_studies import World, simulate
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from tunewise.statistics.claims import Meeting
from tunewise.statistics.combine import Uncertainty
from tunewise.statistics.metrics import METRICS
from tunewise.statistics.moderation import (
    MOST_DF,
    Alike,
    Prior,
    SeedSpreads,
    Spread,
    fit_prior,
    spread_of,
    trigamma_inverse,
)
from tunewise.statistics.power import seeds_needed
from tunewise.statistics.score_matrix import SharedExamples, group_by_examples

SMYTH = {"caution": 0.0, "evidence": 0.0, "smallest": 0.0}
SCORES = st.lists(st.integers(10, 90).map(lambda hundred: hundred / 100), min_size=3, max_size=3)


def drawn(prior: Prior, *, contenders: int, df: int) -> list[Spread]:
    """Variances of that distribution, each estimated with so many degrees of freedom."""
    rng = np.random.default_rng(0)
    true = prior.df * prior.variance / rng.chisquare(prior.df, contenders)
    return [Spread(float(s2), df) for s2 in true * rng.chisquare(df, contenders) / df]


@pytest.mark.parametrize("x", [0.01, 0.5, 1.0, 2.5, 40.0, 1e5])
def test_the_inverse_of_trigamma(x: float) -> None:
    assert trigamma_inverse(float(special.polygamma(1, x))) == pytest.approx(x, rel=1e-5)


def test_the_moments_of_three_variances_worked_by_hand() -> None:
    """With 2 degrees of freedom digamma(1) = -gamma and trigamma(1) = pi^2 / 6."""
    spreads = [Spread(s2, 2) for s2 in (0.1, 1.0, 10.0)]
    e = np.log([0.1, 1.0, 10.0]) + np.euler_gamma
    half = trigamma_inverse(float(e.var(ddof=1)) - np.pi**2 / 6)
    found = fit_prior(spreads, **SMYTH)
    assert found.df == pytest.approx(2 * half)
    log_s0 = np.euler_gamma + float(special.digamma(half)) - np.log(half)
    assert np.log(found.variance) == pytest.approx(log_s0)


@pytest.mark.parametrize(("df", "near"), [(1, 0.25), (4, 0.05)])  # 1 df: trigamma is 4.9
def test_smyths_estimate_finds_the_prior_of_many_contenders(df: int, near: float) -> None:
    true = Prior(2.0, 6.0)
    found = fit_prior(drawn(true, contenders=60_000, df=df), **SMYTH)
    assert found.df == pytest.approx(true.df, rel=near)
    assert found.variance == pytest.approx(true.variance, rel=near / 2)


def test_spreads_no_further_apart_than_chance_have_one_variance_in_common() -> None:
    found = fit_prior([Spread(s2, 4) for s2 in (0.9, 1.0, 1.1)], **SMYTH)
    assert found.variance == pytest.approx(1.0)
    assert found.df == MOST_DF


def test_caution_takes_weight_from_the_others_and_leaves_their_mean() -> None:
    spreads = [Spread(s2, 1) for s2 in (0.5, 1.0, 3.0)]
    found = fit_prior(spreads)
    assert found.variance == pytest.approx(1.5)
    assert 3 < found.df < 4  # of three contenders with two seeds: a tenth of 7.5 in trigamma
    many = fit_prior(spreads * 4)
    assert found.df < many.df < fit_prior([replace(one, df=4) for one in spreads * 4]).df


def test_two_scores_rounded_to_one_are_no_evidence_that_spreads_differ() -> None:
    found = fit_prior([Spread(s2, 1) for s2 in (0.0, 1.0, 1.0)])
    assert found.variance == pytest.approx(2 / 3)
    assert 0 < found.df < MOST_DF
    assert fit_prior([Spread(0.0, 1)] * 3).df == 0


@pytest.mark.parametrize("alone", [[], [Spread(1.0, 3)]])
def test_one_contender_alone_tells_nothing_of_others(alone: list[Spread]) -> None:
    own = Spread(2.0, 1)
    assert fit_prior(alone).moderate(own) is own


def test_without_weight_it_is_the_variance_alone_and_with_all_weight_that_of_all() -> None:
    own = Spread(2.0, 1)
    light, heavy = Prior(1.0, 1e-9).moderate(own), Prior(1.0, MOST_DF).moderate(own)
    assert (light.variance, light.df) == pytest.approx((2.0, 1.0))
    assert heavy.variance == pytest.approx(1.0, rel=1e-5)
    claim = Uncertainty(1.0, heavy.variance, 0.0, heavy.df)
    assert claim.p_two_sided() == pytest.approx(2 * stats.norm.sf(1.0), rel=1e-4)
    assert Uncertainty(1.0, light.variance, 0.0, light.df).p_two_sided() == pytest.approx(
        2 * stats.t.sf(1 / np.sqrt(2), 1), rel=1e-4
    )


def table(*rows: list[float]) -> dict[str, dict[int, float]]:
    return {f"row {number}": dict(enumerate(row)) for number, row in enumerate(rows)}


def spreads_in(scores: Mapping[str, Mapping[int, float]]) -> list[tuple[float, ...]]:
    seen = SeedSpreads(scores)
    found = [seen.of("row 0"), seen.of("row 2"), seen.of_pair("row 0", "row 2")]
    return [(one.variance, one.df) for one in found]


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(SCORES, min_size=3, max_size=5), times=st.floats(0.5, 20))
def test_names_units_and_levels_do_not_matter(rows: list[list[float]], times: float) -> None:
    asked = spreads_in(table(*rows))
    assert spreads_in(dict(reversed(table(*rows).items()))) == pytest.approx(np.array(asked))
    order = (2, 0, 1)
    assert spreads_in(table(*([row[n] for n in order] for row in rows))) == pytest.approx(
        np.array(asked), abs=1e-9
    )
    higher = [[x + number for x in row] for number, row in enumerate(rows)]
    assert spreads_in(table(*higher)) == pytest.approx(np.array(asked), rel=1e-6, abs=1e-9)
    scaled = np.array(spreads_in(table(*([times * x for x in row] for row in rows))))
    expected = np.array(asked) * np.array([times**2, 1.0])
    assert scaled == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_luck_that_all_share_leaves_pairs_alone() -> None:
    rng = np.random.default_rng(0)
    own, luck = rng.normal(size=(5, 3)), 10 * rng.normal(size=3)
    apart = Alike.of(own)
    together = Alike.of(own + luck)
    assert together.left == pytest.approx(apart.left)
    assert together.together < apart.together
    assert apart.together <= 5 * 2
    differences = [own[a] - own[b] for a in range(5) for b in range(a)]
    mean = np.mean([row.var(ddof=1) for row in own])
    expected = np.mean([d.var(ddof=1) for d in differences]) / (2 * mean)
    assert apart.own == pytest.approx(expected)


def test_no_claim_rests_on_more_than_all_contenders_have() -> None:
    seen = SeedSpreads(table([0.1, 0.2], [0.5, 0.6], [0.3, 0.4]))
    assert seen.of_pair("row 0", "row 1").df <= 0.85 * 2
    assert 1 <= seen.of("row 0").df <= 0.85 * 3


def test_two_with_seeds_of_their_own_are_tested_by_themselves() -> None:
    scores: dict[str, dict[int, float]] = table([0.1, 0.25, 0.2], [0.5, 0.4, 0.7])
    third = {7: 0.3, 8: 0.9, 9: 0.1}
    expected = spread_of(np.array([-0.4, -0.15, -0.5]))
    for rows in (scores, {**scores, "row 2": third}):
        found = SeedSpreads(rows).of_pair("row 0", "row 1")
        assert (found.variance, found.df) == pytest.approx((expected.variance, expected.df))


def study(*accuracies: float, seeds: int = 2, fixed: int = 0) -> SharedExamples:
    """Rows with randomness, the last `fixed` of them without."""
    rng = np.random.default_rng(4)
    own = [range(seeds)] * (len(accuracies) - fixed) + [range(1)] * fixed
    factors = [1.0] * (len(accuracies) - fixed) + [0.0] * fixed
    made = simulate(World(seed=0.15), accuracies, own, rng=rng, factors=factors)
    return group_by_examples(made.rows, METRICS["accuracy"], rng=rng, resamples=0)[0]


def over_seeds(group: SharedExamples, first: int, second: int) -> Uncertainty:
    joined = Meeting(group.rows[first], group.rows[second], group, group.metric).over_seeds
    assert isinstance(joined, Uncertainty)
    return joined


def test_two_contenders_are_tested_as_before() -> None:
    group = study(0.8, 0.7, seeds=3)
    ours, theirs = (group.scores(row) for row in group.rows)
    found = over_seeds(group, 0, 1)
    assert found.df == pytest.approx(2)
    assert found.seed_variance == pytest.approx((ours - theirs).var(ddof=1) / 3)


def test_a_method_without_randomness_has_no_seed_variance() -> None:
    group = study(0.8, 0.7, 0.6, 0.5, fixed=2)
    assert set(group.spreads.scores) == {"row 0", "row 1"}
    neither, one = over_seeds(group, 2, 3), over_seeds(group, 0, 2)
    assert (neither.seed_variance, neither.df) == (0.0, None)
    assert one.seed_variance == pytest.approx(group.spreads.of("row 0").variance / 2)


def test_two_seeds_of_several_contenders_show_what_those_of_one_do_not() -> None:
    """Of questions about pictures 40, 32, 14 and 7 % are right, the last without randomness."""
    group = study(0.40, 0.32, 0.14, 0.07, fixed=1)
    for other in (2, 3):
        moderated = over_seeds(group, 0, other)
        alone = over_seeds(replace(group, rows=[group.rows[0], group.rows[other]]), 0, 1)
        assert moderated.estimate == alone.estimate
        assert moderated.df is not None and alone.df == 1
        assert moderated.df > 1.5
        assert moderated.p_two_sided() < alone.p_two_sided()


def test_rows_beside_tell_of_the_spread_of_two_that_are_compared() -> None:
    group = study(0.8, 0.7, 0.6, 0.5)
    two = replace(group, rows=group.rows[:2], beside=group.rows)
    assert over_seeds(two, 0, 1) == over_seeds(group, 0, 1)


def test_fewer_seeds_are_needed_where_others_tell_of_the_spread() -> None:
    alone = seeds_needed(2.0, alpha=0.005)
    moderated = seeds_needed(2.0, alpha=0.005, prior_df=4, sharing=5)
    assert alone is not None and moderated is not None
    assert moderated < alone
    assert seeds_needed(2.0, prior_df=4, sharing=1) == seeds_needed(2.0)
