"""Agreement with scipy and statsmodels on random input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import fft, stats
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_reference
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from tunewise.statistics import paired, power
from tunewise.statistics.corrections import benjamini_hochberg, holm
from tunewise.statistics.intervals import bca, percentile, student_t, wilson
from tunewise.statistics.paired import exact_sign_flip, fast_length, mcnemar, mcnemar_of
from tunewise.statistics.ranks import friedman
from tunewise.statistics.roots import root
from tunewise.statistics.seeds import probability_of_improvement, sign_flip

calm = settings(max_examples=50, deadline=None)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)
COUNTS = st.integers(0, 80)
SCORES = st.lists(st.integers(-50, 50).map(float), min_size=2, max_size=9)


@calm
@given(p=P_VALUES)
def test_benjamini_hochbergs_p_values(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p), abs=1e-12)


@pytest.mark.parametrize("length", [1, 2, 5, 30])  # few: statsmodels collects garbage each time
def test_holms_p_values(length: int) -> None:
    p = np.random.default_rng(length).random(length) ** 3
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-12)


@calm
@given(first=COUNTS, second=COUNTS)
def test_mcnemar(first: int, second: int) -> None:
    assume(first + second > 0)
    table = [[5, first], [second, 7]]
    found = mcnemar(first, second)
    assert found.exact == pytest.approx(mcnemar_reference(table, exact=True).pvalue)
    if first != second:  # statsmodels corrects a difference of zero, too
        chi2 = mcnemar_reference(table, exact=False, correction=True)
        assert (found.chi2, found.p_chi2) == pytest.approx((chi2.statistic, chi2.pvalue))


@calm
@given(first=COUNTS, second=COUNTS)
def test_sign_flips_of_right_and_wrong_equal_exact_mcnemar(first: int, second: int) -> None:
    flips = exact_sign_flip([1] * first + [-1] * second + [0] * 4)
    assert flips == pytest.approx(mcnemar(first, second).exact)


@calm
@given(d=st.lists(st.integers(-6, 6), min_size=2, max_size=9))
def test_both_sign_flip_tests_equal_scipys_permutation_test(d: list[int]) -> None:
    assume(any(d))
    found = stats.permutation_test(
        (np.array(d, float),), lambda x, axis: x.sum(axis=axis), permutation_type="samples",
        vectorized=True, n_resamples=np.inf,
    )  # fmt: skip
    assert exact_sign_flip(d) == pytest.approx(found.pvalue)
    assert sign_flip(d).p == pytest.approx(found.pvalue)


@calm
@given(
    d=st.lists(st.integers(-9, 9), min_size=2, max_size=60).filter(
        lambda d: len({abs(one) for one in d} - {0}) > 1
    ),
    factor=st.sampled_from([1, 2, 31]),
)
def test_few_and_many_examples_are_counted_alike(d: list[int], factor: int) -> None:
    """Many go through a Fourier transform; also where all differences are even, or far apart."""
    wide = [factor * one for one in d]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paired, "MOST_FOLDED", 10**9)
        few = exact_sign_flip(wide)
        patch.setattr(paired, "MOST_FOLDED", 0)
        many = exact_sign_flip(wide)
    assert many == pytest.approx(few, abs=1e-13)


@calm
@given(right=st.integers(0, 400), more=st.integers(1, 400), level=st.floats(0.5, 0.999))
def test_wilson(right: int, more: int, level: float) -> None:
    found = wilson(right, right + more, level=level)
    expected = proportion_confint(right, right + more, alpha=1 - level, method="wilson")
    assert tuple(found) == pytest.approx(expected, abs=1e-12)


@calm
@given(scores=SCORES)
def test_students_t(scores: list[float]) -> None:
    assume(len(set(scores)) > 1)
    interval = stats.ttest_1samp(scores, 0).confidence_interval(0.95)
    assert student_t(scores) == pytest.approx((interval.low, interval.high))


@calm
@given(ours=SCORES, theirs=SCORES)
def test_probability_of_improvement(ours: list[float], theirs: list[float]) -> None:
    found = probability_of_improvement(ours, theirs)
    direct = np.mean([(a > b) + (a == b) / 2 for a in ours for b in theirs])
    assert found.probability == pytest.approx(direct)
    assert 0 <= found.interval.low <= found.probability <= found.interval.high <= 1
    back = probability_of_improvement(theirs, ours)
    assert back.interval == pytest.approx((1 - found.interval.high, 1 - found.interval.low))


@calm
@given(ours=SCORES, theirs=SCORES)
def test_mann_whitney_with_and_without_ties_is_scipys(
    ours: list[float], theirs: list[float]
) -> None:
    assume(len(set(ours + theirs)) > 1)
    expected = stats.mannwhitneyu(ours, theirs, alternative="two-sided").pvalue
    assert probability_of_improvement(ours, theirs).p == pytest.approx(expected, rel=1e-12)


def test_mann_whitney_of_equal_and_of_many_runs_is_scipys() -> None:
    assert probability_of_improvement([1, 1, 1], [1, 1]).p == 1
    ours, theirs = np.random.default_rng(0).normal([[0.0], [0.4]], 1, (2, 12))
    expected = stats.mannwhitneyu(ours, theirs, alternative="two-sided").pvalue
    assert probability_of_improvement(ours, theirs).p == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("count", [1, 2, 7, 500, 1999])
def test_chances_of_coins_are_the_binomials(count: int) -> None:
    expected = stats.binom.pmf(np.arange(count + 1), count, 0.5)
    np.testing.assert_allclose(paired._coins_of(count), expected, rtol=1e-11, atol=1e-300)


@calm
@given(df=st.floats(1, 300), shift=st.floats(0.1, 8), alpha=st.floats(0.001, 0.2))
def test_the_power_of_t_is_scipys(df: float, shift: float, alpha: float) -> None:
    expected = stats.nct.sf(stats.t.ppf(1 - alpha / 2, df), df, shift)
    assert power._power_of_t(shift, df, alpha) == pytest.approx(expected, abs=1e-9)


@calm
@given(zero=st.floats(-5, 5), low=st.floats(-50, -6), high=st.floats(6, 50))
def test_roots_are_found_wherever_they_lie(zero: float, low: float, high: float) -> None:
    assert root(lambda x: np.expm1(x - zero), low, high) == pytest.approx(zero, abs=1e-12)
    with pytest.raises(ValueError, match="no change of sign"):
        root(lambda x: 1 + x * x, low, high)


@calm
@given(st.integers(0, 10**6))
def test_friedman(seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 9, (7, 4)).astype(float)
    assume(np.ptp(scores, axis=1).all())
    assert friedman(scores).chi2 == pytest.approx(stats.friedmanchisquare(*scores.T).statistic)


@calm
@given(st.integers(0, 10**6))
def test_bca_is_scipys(seed: int) -> None:
    x = np.random.default_rng(seed).exponential(size=30)
    found = stats.bootstrap((x,), np.mean, rng=np.random.default_rng(1), n_resamples=999)
    replicates = found.bootstrap_distribution
    jackknife = (x.sum() - x) / 29
    expected = found.confidence_interval
    assert bca(float(x.mean()), replicates, jackknife) == pytest.approx(
        (expected.low, expected.high), rel=0.01
    )


def test_counts_stand_for_repeated_jackknife_values() -> None:
    replicates = np.random.default_rng(0).normal(size=500)
    jackknife, counts = np.array([0.1, -0.3, 0.0]), np.array([3.0, 1.0, 2.0])
    repeated = np.repeat(jackknife, counts.astype(int))
    assert bca(0.1, replicates, jackknife, counts=counts) == bca(0.1, replicates, repeated)


def test_the_rounding_of_sums_moves_no_interval() -> None:
    rng = np.random.default_rng(0)
    right = rng.integers(-1, 2, 50)
    replicates = rng.choice(right, (2000, 50)).sum(axis=1) / 50
    jackknife = (right.sum() - right) / 49
    value = float(right.mean())
    assert (replicates == value).sum() > 100
    rounded = bca(value, replicates + 1e-16, jackknife)
    assert rounded == pytest.approx(bca(value, replicates, jackknife), abs=1e-12)


def test_an_undefined_correction_falls_back_to_percentiles() -> None:
    replicates = np.linspace(1, 2, 101)
    assert bca(0.0, replicates, np.zeros(3)) == percentile(replicates)


def test_mcnemar_counts_examples_that_differ() -> None:
    assert mcnemar_of([1, 1, 0, 0], [1, 0, 0, 1])[:2] == (1, 1)
    assert mcnemar_of([1, 1], [1, 1]).exact == 1.0
    with pytest.raises(ValueError, match="2 examples against 1"):
        mcnemar_of([1, 0], [1])


def test_fractions_are_refused_where_the_test_counts() -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        exact_sign_flip([0.5, -0.5])


def test_a_level_in_percent_is_refused() -> None:
    with pytest.raises(ValueError, match="fraction between 0 and 1"):
        wilson(1, 2, level=95)


def test_p_values_outside_zero_to_one_are_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        holm([0.5, 1.5])


def test_lengths_of_fourier_transforms_are_those_of_scipy() -> None:
    for least in (*range(1, 400), 9_999, 65_537, 1_000_001):
        assert fast_length(least) == fft.next_fast_len(least, real=True)
