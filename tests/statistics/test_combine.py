from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from tunewise.statistics.combine import (
    Uncertainty,
    method_difference_unpaired,
    method_mean,
    tost,
)
from tunewise.statistics.intervals import normal_quantile, student_t
from tunewise.statistics.moderation import spread_of

SCORES = np.array([0.80, 0.84, 0.79, 0.83])
PARTS = st.floats(0.01, 1)


def no_examples(seeds: int) -> np.ndarray:
    return np.zeros((seeds, seeds))


def paired_t(differences: np.ndarray) -> Uncertainty:
    """What differences over seeds tell by themselves."""
    return method_mean(differences, no_examples(len(differences)), spread=spread_of(differences))


def welch(ours: np.ndarray, theirs: np.ndarray) -> Uncertainty:
    """What two methods tell by themselves."""
    spreads = (spread_of(ours), spread_of(theirs))
    examples = no_examples(len(ours) + len(theirs))
    return method_difference_unpaired(ours, theirs, examples, spreads=spreads)


def test_without_example_noise_it_is_students_t() -> None:
    found = method_mean(SCORES, no_examples(4), spread=spread_of(SCORES))
    assert found.interval() == pytest.approx(student_t(SCORES))
    assert found.p_two_sided(0.8) == pytest.approx(stats.ttest_1samp(SCORES, 0.8).pvalue)


def test_without_randomness_it_is_the_normal_interval_of_the_examples() -> None:
    found = method_mean(np.array([0.8]), np.array([[0.0004]]), spread=None)
    assert found.interval() == pytest.approx((0.8 - 0.02 * 1.959964, 0.8 + 0.02 * 1.959964))


def test_example_noise_that_the_seeds_show_already_is_not_counted_twice() -> None:
    own = np.diag([0.01] * 4)  # each seed errs on its own examples: it shows in their scatter
    assert method_mean(SCORES, own, spread=spread_of(SCORES)).example_variance == 0
    shared = np.full((4, 4), 0.0003) + own
    assert method_mean(SCORES, shared, spread=spread_of(SCORES)).example_variance == pytest.approx(
        0.0003
    )


def test_one_seed_of_a_method_with_randomness_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two seeds"):
        spread_of(np.array([0.8]))


def test_pairing_removes_what_both_share() -> None:
    ours, theirs = SCORES + np.array([0.1, 0.101, 0.099, 0.1]), SCORES
    paired = paired_t(ours - theirs)
    apart = welch(ours, theirs)
    assert paired.seed_variance < apart.seed_variance / 100


def test_other_seeds_follow_welch() -> None:
    ours, theirs = SCORES, np.array([0.7, 0.78, 0.71, 0.75])
    found = welch(ours, theirs)
    expected = stats.ttest_ind(ours, theirs, equal_var=False)
    assert found.df == pytest.approx(expected.df)
    assert found.p_two_sided() == pytest.approx(expected.pvalue)


def test_fewer_seeds_on_one_side_count_for_both() -> None:
    assert welch(SCORES, SCORES[:2]).df == 1


@settings(max_examples=50, deadline=None)
@given(a=PARTS, b=PARTS, df=st.integers(1, 30), level=st.floats(0.6, 0.99))
def test_the_joined_critical_value_lies_between_normal_and_students(
    a: float, b: float, df: int, level: float
) -> None:
    joined = Uncertainty(0.0, a, b, df).critical(level)
    alone = Uncertainty(0.0, a, 0.0, df).critical(level)
    assert normal_quantile(level) <= joined <= alone
    assert Uncertainty(0.0, a, b, df).satterthwaite_df >= df


@settings(max_examples=50, deadline=None)
@given(a=PARTS, b=PARTS, df=st.integers(1, 30), estimate=st.floats(-3, 3))
def test_p_and_interval_agree(a: float, b: float, df: int, estimate: float) -> None:
    found = Uncertainty(estimate, a, b, df)
    p = found.p_two_sided()
    if 1e-6 < p < 1 - 1e-6:
        interval = found.interval(1 - p)
        assert min(abs(interval.low), abs(interval.high)) == pytest.approx(0, abs=1e-6)


def test_equal_scores_without_example_noise_are_a_certain_tie() -> None:
    assert Uncertainty(0.0, 0.0, 0.0, 2).p_two_sided() == 1.0


@pytest.mark.parametrize("ahead", [0.0, 0.02, -0.02])  # level, one near either edge
@pytest.mark.parametrize("margin", [0.01, 0.03, 0.1])
def test_equivalence_equals_statsmodels(margin: float, ahead: float) -> None:
    ours, theirs = SCORES + ahead, np.array([0.81, 0.83, 0.80, 0.82])
    found = tost(paired_t(ours - theirs), margin=margin)
    expected = float(ttost_paired(ours, theirs, -margin, margin)[0])
    assert found.p == pytest.approx(expected)
    inside = -margin < found.interval.low and found.interval.high < margin
    assert found.equivalent == inside


def test_a_difference_beyond_the_margin_is_not_equivalent() -> None:
    found = tost(Uncertainty(0.5, 0.01, 0.0, 5), margin=0.1)
    assert found.p > 0.5
    with pytest.raises(ValueError, match="margin = 0"):
        tost(Uncertainty(0.5, 0.01, 0.0, 5), margin=0)
