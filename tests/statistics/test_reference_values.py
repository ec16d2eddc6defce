"""Every reference value of the specification, from the literature and from R's example data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tunewise.statistics.corrections import benjamini_hochberg, holm
from tunewise.statistics.intervals import student_quantile, wilson
from tunewise.statistics.metrics import METRICS, Columns
from tunewise.statistics.paired import (
    approximate_randomization,
    exact_sign_flip,
    mcnemar,
)
from tunewise.statistics.power import (
    detectable_difference,
    examples_needed,
    runs_to_show_improvement,
    seeds_needed,
    seeds_to_reach,
    smallest_p,
)
from tunewise.statistics.ranks import friedman, nemenyi_difference
from tunewise.statistics.resampling import bootstrap, paired_bootstrap
from tunewise.statistics.seeds import probability_of_improvement, sign_flip
from tunewise.statistics.tuning import expected_best

MAIZE = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]  # Darwin 1876
BH_1995 = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
    0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
]  # fmt: skip


def test_mcnemar_on_agrestis_table() -> None:
    found = mcnemar(150, 86)
    assert found.chi2 == pytest.approx(16.8178, abs=5e-5)
    assert found.p_chi2 == pytest.approx(4.1146e-5, rel=1e-4)
    assert pytest.approx(17.3559, abs=5e-5) == (150 - 86) ** 2 / (150 + 86)  # uncorrected
    assert found.exact == pytest.approx(3.7159e-5, rel=1e-4)
    assert found.mid == pytest.approx(2.8934e-5, rel=1e-4)


def test_mcnemar_on_small_tables() -> None:
    assert mcnemar(25, 15).chi2 == pytest.approx(2.025)
    assert mcnemar(25, 15).p_chi2 == pytest.approx(0.15473, abs=5e-6)
    assert mcnemar(25, 15).exact == pytest.approx(0.15386, abs=5e-6)
    assert mcnemar(11, 1).exact == pytest.approx(0.0063477, abs=5e-8)
    assert mcnemar(10, 2).exact == pytest.approx(0.038574, abs=5e-7)
    assert mcnemar(10, 2).mid == pytest.approx(0.022461, abs=5e-7)


def test_sign_flips_on_darwins_maize() -> None:
    assert sign_flip(MAIZE).p == 1726 / 32768
    assert exact_sign_flip(MAIZE) == pytest.approx(1726 / 32768, rel=1e-9)


def test_sign_flips_on_right_and_wrong_are_exact_mcnemar() -> None:
    assert exact_sign_flip([1] * 10 + [-1] * 2) == mcnemar(10, 2).exact
    assert sign_flip([1] * 10 + [-1] * 2).p == pytest.approx(0.038574, abs=5e-7)


def test_approximate_randomization_comes_near_exact_mcnemar() -> None:
    labels = np.zeros(100, dtype=np.int64)
    ours = Columns(labels, np.array([0] * 10 + [1] * 2 + [0] * 88))
    theirs = Columns(labels, np.array([1] * 10 + [0] * 2 + [0] * 88))
    accuracy = METRICS["accuracy"]
    p = approximate_randomization(
        accuracy,
        accuracy.features(ours, 2),
        accuracy.features(theirs, 2),
        rng=np.random.default_rng(0),
        resamples=40_000,
    )
    assert p == pytest.approx(0.038574, abs=0.004)  # four standard errors


def test_approximate_randomization_counts_what_was_seen_as_one_of_its_draws() -> None:
    """With 60 answers all one way no draw reaches the difference, and p is 1 in 1 + 199, not 0."""
    labels = np.zeros(60, dtype=np.int64)
    accuracy = METRICS["accuracy"]
    right, wrong = (accuracy.features(Columns(labels, labels + each), 2) for each in (0, 1))
    p = approximate_randomization(
        accuracy, right, wrong, rng=np.random.default_rng(0), resamples=199
    )
    assert p == pytest.approx(1 / 200)


def test_bca_interval_of_a_difference() -> None:
    interval = mean_bootstrap([1] * 10 + [-1] * 2 + [0] * 88)
    assert interval == pytest.approx((0.02, 0.15), abs=0.0101)  # one example: the grid is 0.01


def mean_bootstrap(differences: list[int]) -> tuple[float, float]:
    """The interval of a mean of -1, 0, 1, by way of a paired bootstrap of two accuracies."""
    d = np.array(differences)
    labels = np.zeros(len(d), dtype=np.int64)
    ours, theirs = Columns(labels, (d < 0).astype(int)), Columns(labels, (d > 0).astype(int))
    interval = paired_bootstrap(METRICS["accuracy"], ours, theirs, rng=np.random.default_rng(0))
    assert interval is not None
    return interval.low, interval.high


def test_wilson_intervals() -> None:
    assert wilson(81, 263) == pytest.approx((0.255289, 0.366210), abs=1e-6)
    assert wilson(631, 1319) == pytest.approx((0.451536, 0.505375), abs=1e-6)


def test_corrections_of_benjamini_and_hochbergs_fifteen_values() -> None:
    p = np.array(BH_1995)
    assert (p * 15 <= 0.05).sum() == 3  # Bonferroni
    assert (holm(p) <= 0.05).sum() == 3
    assert (benjamini_hochberg(p) <= 0.05).sum() == 4
    assert (stats.false_discovery_control(p, method="by") <= 0.05).sum() == 3
    assert benjamini_hochberg(p)[:4] == pytest.approx([0.0015, 0.003, 0.0095, 0.035625])
    assert holm(p)[:4] == pytest.approx([0.0015, 0.0056, 0.0247, 0.114])


def test_corrections_of_evenly_spaced_values() -> None:
    p = [0.01, 0.02, 0.03, 0.04, 0.05]
    assert holm(p) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert benjamini_hochberg(p) == pytest.approx([0.05] * 5)


@pytest.mark.parametrize(("methods", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (10, 3.164)])
def test_nemenyis_critical_values_are_demsars(methods: int, q: float) -> None:
    unit = np.sqrt(methods * (methods + 1) / (6 * 14))
    assert nemenyi_difference(methods, 14) == pytest.approx(q * unit, abs=1e-3)


def test_friedman_goes_by_iman_and_davenports_f() -> None:
    found = friedman([[1, 2, 3, 4], [2, 1, 3, 4], [1, 3, 2, 4], [1, 2, 4, 3], [2, 3, 1, 4]])
    assert found.average_ranks == pytest.approx((3.6, 2.8, 2.4, 1.2))
    assert found.f == pytest.approx(4 * found.chi2 / (5 * 3 - found.chi2))
    assert found.p == pytest.approx(stats.f.sf(found.f, 3, 12))
    assert friedman([[1, 2], [3, 4]]).p == 0.0  # every data set agrees


def test_probability_of_improvement_on_two_short_lists() -> None:
    found = probability_of_improvement([19, 22, 16, 29, 24], [20, 11, 17, 12])
    assert found.probability * 5 * 4 == pytest.approx(17)
    assert found.probability == pytest.approx(0.85)
    assert found.p == pytest.approx(0.1111, abs=5e-5)


@pytest.mark.parametrize(
    ("examples", "points"),
    [
        (277, (3.8, 5.3, 7.5)),
        (408, (3.1, 4.4, 6.2)),
        (872, (2.1, 3.0, 4.2)),
        (1319, (1.7, 2.4, 3.5)),
        (5463, (0.9, 1.2, 1.7)),
        (10570, (0.6, 0.9, 1.2)),
    ],
)
def test_detectable_differences(examples: int, points: tuple[float, ...]) -> None:
    for disagreement, expected in zip((0.05, 0.10, 0.20), points, strict=True):
        found = detectable_difference(examples, disagreement)
        assert found is not None
        # The table was rounded to two digits and then to one: 0.847, 0.85, 0.9.
        assert 100 * found == pytest.approx(expected, abs=0.055)


def test_needed_examples() -> None:
    assert examples_needed(0.01, 0.10) == 7847
    assert examples_needed(0.02, 0.10) == 1960


def test_what_few_seeds_can_show() -> None:
    assert smallest_p(5) == 0.0625
    assert smallest_p(6) == pytest.approx(0.031, abs=5e-4)
    assert seeds_to_reach(comparisons=10) == 9
    assert (seeds_needed(1.0), seeds_needed(0.5)) == (10, 34)
    assert runs_to_show_improvement(0.75) == 29


def test_a_large_effect_needs_the_fewest_seeds() -> None:
    # at 20 seeds scipy's noncentral t is nan here, which read as a power too low
    asked = {"prior_df": 4.530580103295308, "sharing": 1.7, "alpha": 0.005}
    assert seeds_needed(15.907937700085471, example_error=0.3255473438605364, **asked) == 2


def test_quantiles() -> None:
    assert student_quantile(0.95, df=2) == pytest.approx(4.30, abs=0.005)


def test_expected_best_starts_at_the_mean_and_nears_the_maximum() -> None:
    scores = [0.3, 0.9, 0.5, 0.7]
    curve = expected_best(scores)
    assert curve[0] == pytest.approx(0.6)
    assert curve[1] == pytest.approx(np.mean([max(a, b) for a in scores for b in scores]))
    assert expected_best(scores * 500)[-1] == pytest.approx(0.9)


def test_the_interval_of_one_score_by_bootstrap_is_near_wilsons() -> None:
    labels = np.zeros(263, dtype=np.int64)
    run = Columns(labels, (np.arange(263) >= 81).astype(int))
    found = bootstrap(METRICS["accuracy"], run, rng=np.random.default_rng(0))
    assert found == pytest.approx(wilson(81, 263), abs=0.006)
