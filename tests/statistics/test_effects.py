"""An effect of a setting is a mean of differences: of one pair it is that pair's difference."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.simulated_studies import World, simulate

from tunewise.statistics.claims import Terms
from tunewise.statistics.corrections import holm
from tunewise.statistics.effects import Effect, corrected, mean_effect
from tunewise.statistics.metrics import METRICS
from tunewise.statistics.pairs import compare_pair
from tunewise.statistics.score_matrix import RowScores, SharedExamples, group_by_examples

SEEDS = (0, 1, 2)


def shared(
    accuracies: list[float],
    metric: str = "accuracy",
    seeds: tuple[int, ...] = SEEDS,
    start: int = 0,
) -> SharedExamples:
    rng = np.random.default_rng(start)
    made = simulate(World(examples=400), accuracies, [seeds] * len(accuracies), rng=rng)
    (group,) = group_by_examples(made.rows, METRICS[metric], rng=rng, resamples=500)
    return group


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro"])
def test_the_effect_of_one_pair_is_the_claim_about_that_pair(metric: str) -> None:
    group = shared([0.8, 0.7], metric)
    one, other = group.rows
    terms = Terms(METRICS[metric], 0.95, 1, None, 500)
    pair = compare_pair(one, other, group, terms, rng=np.random.default_rng(0))
    effect = mean_effect([(one, other)], group)
    assert effect.difference == pytest.approx(pair.difference)
    assert effect.items == pytest.approx(pair.items.interval)
    assert effect.method == pytest.approx(pair.method.interval)
    assert effect.p == pytest.approx(pair.method.p)


def test_an_effect_is_the_mean_of_its_pairs_and_turns_with_them() -> None:
    group = shared([0.8, 0.7, 0.75, 0.72])
    a, b, c, d = group.rows
    effect = mean_effect([(a, b), (c, d)], group)
    each = [mean_effect([pair], group).difference for pair in ((a, b), (c, d))]
    assert effect.difference == pytest.approx(np.mean(each))
    turned = mean_effect([(b, a), (d, c)], group)
    assert turned.difference == pytest.approx(-effect.difference)
    assert turned.p == pytest.approx(effect.p)
    assert turned.method is not None and effect.method is not None
    assert turned.method.low == pytest.approx(-effect.method.high)


def test_more_pairs_tell_an_effect_more_surely() -> None:
    group = shared([0.8, 0.7] * 4)
    pairs = list(zip(group.rows[::2], group.rows[1::2], strict=True))
    one, all_of_them = mean_effect(pairs[:1], group).items, mean_effect(pairs, group).items
    assert one is not None and all_of_them is not None
    assert all_of_them.high - all_of_them.low < one.high - one.low


def test_true_effects_of_zero_are_covered() -> None:
    """Over 100 studies; a fraction outside 87 to 100 % would be a one in a hundred event."""
    covered = []
    for start in range(100):
        group = shared([0.75] * 4, start=start)
        a, b, c, d = group.rows
        interval = mean_effect([(a, b), (c, d)], group).method
        assert interval is not None
        covered.append(interval.low <= 0 <= interval.high)
    assert np.mean(covered) >= 0.87


def test_one_seed_says_nothing_of_the_methods() -> None:
    group = shared([0.8, 0.7], seeds=(0,))
    effect = mean_effect([(group.rows[0], group.rows[1])], group)
    assert effect.items is not None
    assert effect.method is None and effect.p is None
    assert effect.reason == "one seed: not testable beyond these checkpoints"


def test_rows_with_other_seeds_say_nothing_of_the_methods() -> None:
    rng = np.random.default_rng(0)
    made = simulate(World(examples=100), [0.8, 0.7], [(0, 1), (1, 2)], rng=rng)
    (group,) = group_by_examples(made.rows, METRICS["accuracy"], rng=rng, resamples=200)
    effect = mean_effect([(group.rows[0], group.rows[1])], group)
    assert effect.reason == "the rows ran with different seeds"


def test_the_correction_counts_every_tested_effect() -> None:
    effects = [Effect(1, 0.0, None, p=p) for p in (0.01, None, 0.04)]
    message = corrected(effects)
    assert [one.p_adjusted for one in message] == [
        *holm([0.01, 0.04])[:1],
        None,
        holm([0.01, 0.04])[1],
    ]


def test_no_pair_is_refused() -> None:
    group = shared([0.8, 0.7])
    with pytest.raises(ValueError, match="at least one pair"):
        mean_effect([], group)


def test_rows_are_distinguished_by_name_not_by_place() -> None:
    group = shared([0.9, 0.6])
    row = group.rows[1]
    again = RowScores(row.name, row.ids, row.labels, row.choices)
    assert mean_effect([(group.rows[0], again)], group).difference > 0.2
