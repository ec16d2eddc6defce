"""The statistics hold what they promise, in studies whose truth is known.

`benchmarks/calibration.py` does this for every kind of study, a thousand times each.
"""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.simulated_studies import (
    LINES,
    Line,
    World,
    bounds_for,
    detectable,
    measure,
    simulate,
    undecided_fraction,
)
from scipy import special, stats

from tunewise.statistics.combine import Uncertainty
from tunewise.statistics.seeds import probability_of_improvement

THREE_SEEDS = Line("three seeds", ((0, 1, 2), (0, 1, 2)), start=22)


def test_false_positives_and_coverage_of_two_hundred_small_studies() -> None:
    line = Line("small", THREE_SEEDS.seeds, World(examples=300), start=30)
    for name, fraction, (low, high) in measure(line, studies=200):  # 1.9 to 8.1 %, 91.6 to 98.4 %
        assert low <= fraction <= high, name


@pytest.mark.bench
@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_false_positives_and_coverage_of_two_thousand_studies(line: Line) -> None:
    for name, fraction, (low, high) in measure(line, studies=2000):
        assert low <= fraction <= high, name


def test_the_bounds_for_a_thousand_studies_are_the_declared_ones() -> None:
    assert bounds_for(0.05, 1000) == pytest.approx((0.036, 0.064))
    assert bounds_for(0.95, 1000) == pytest.approx((0.935, 0.965))


def test_one_method_under_two_lists_of_seeds_is_tied_with_itself() -> None:
    lists = Line("two lists", ((0, 1, 2), (3, 4, 5)), start=20)
    assert undecided_fraction(lists, studies=100) >= 0.90


def test_twice_the_detectable_difference_is_found() -> None:
    twice = 2 * detectable(THREE_SEEDS)
    assert undecided_fraction(THREE_SEEDS, studies=100, difference=twice) <= 0.20


def rejected(seeds: int, fraction: float, alpha: float) -> float:
    """How often a true null hypothesis is rejected, where seeds have that fraction of the variance.

    Averaged over what the variance of few seeds may seem to be, with no draw of its own.
    """
    parts = (np.arange(500) + 0.5) / 500
    seen = fraction * stats.chi2.ppf(parts, seeds - 1) / (seeds - 1)
    claims = [Uncertainty(0.0, one, 1 - fraction, seeds - 1.0) for one in seen.tolist()]
    reach = [one.critical(1 - alpha) * one.standard_error for one in claims]
    return float(2 * special.ndtr(-np.array(reach)).mean())


@pytest.mark.parametrize(
    ("seeds", "alpha", "low", "high"),
    [
        *((2, 0.05, 0.022, 0.057), (3, 0.05, 0.038, 0.055), (5, 0.05, 0.046, 0.052)),
        *((2, 0.05 / 15, 0, 0.0045), (3, 0.05 / 15, 0, 0.0048), (5, 0.05 / 15, 0, 0.0042)),
    ],
)
def test_examples_and_seeds_join_at_every_ratio(
    seeds: int, alpha: float, low: float, high: float
) -> None:
    """Also at the strict level that the first of fifteen pairs has."""
    for fraction in (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.85, 0.9, 0.95, 0.98, 1.0):
        assert low <= rejected(seeds, fraction, alpha) <= high


def test_the_interval_of_the_probability_of_improvement_covers() -> None:
    rng = np.random.default_rng(0)
    truth = float(special.ndtr(1 / np.sqrt(2)))
    covered = []
    for _ in range(1000):
        found = probability_of_improvement(rng.normal(1, 1, 5), rng.normal(0, 1, 5))
        covered.append(found.interval.low <= truth <= found.interval.high)
    assert np.mean(covered) > 0.93


def test_a_simulated_method_has_the_accuracy_asked_for() -> None:
    world = World(examples=20_000, seed=0.3)
    made = simulate(world, [0.7], [range(30)], rng=np.random.default_rng(0))
    rights = [(run == made.rows[0].labels).mean() for run in made.rows[0].choices.values()]
    assert np.mean(rights) == pytest.approx(0.7, abs=0.05)
    assert np.mean(rights) == pytest.approx(made.model_truth[0], abs=0.01)
    assert world.accuracy_of(world.mu_for(0.7)) == pytest.approx(0.7)
