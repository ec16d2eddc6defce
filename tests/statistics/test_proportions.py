from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from tunewise.statistics.proportions import two_proportions

COUNTS = st.tuples(st.integers(1, 400), st.integers(1, 400)).map(sorted)


@given(COUNTS, COUNTS)
def test_test_and_interval_are_those_of_statsmodels(ours: list[int], theirs: list[int]) -> None:
    (right, examples), (other, others) = ours, theirs
    found = two_proportions(right, examples, other, others)
    low, high = confint_proportions_2indep(right, examples, other, others, method="newcomb")
    assert found.interval == pytest.approx((low, high), abs=1e-9)
    if 0 < right + other < examples + others:
        assert found.p == pytest.approx(proportions_ztest([right, other], [examples, others])[1])


@given(COUNTS, COUNTS)
def test_the_other_way_round_the_sign_changes(ours: list[int], theirs: list[int]) -> None:
    one, other = two_proportions(*ours, *theirs), two_proportions(*theirs, *ours)
    assert other.difference == -one.difference
    assert other.interval == pytest.approx((-one.interval.high, -one.interval.low))
    assert other.p == one.p


def test_all_right_on_both_sides_shows_nothing() -> None:
    assert two_proportions(50, 50, 60, 60).p == 1.0


def test_newcombes_own_example() -> None:
    """56 of 70 against 48 of 80: 0.0524 to 0.3339 (Newcombe 1998, table II, method 10)."""
    low, high = two_proportions(56, 70, 48, 80).interval
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)
