"""How long a training of open length goes on, and at which rates."""

from __future__ import annotations

import math

import pytest

from tunewise.training.course import Course, Standing
from tunewise.training.settings import TrainingSettings, most_steps, search_steps

OPEN = TrainingSettings(epochs="auto")


def losses(mean: float) -> list[float]:
    return [mean + 0.001 * (-1) ** place for place in range(20)]


def course(steps_per_epoch: int = 50, settings: TrainingSettings = OPEN) -> Course:
    return Course(settings, steps_per_epoch, peak=1.0)


def follow(found: Course, falls: list[float], best_epoch: int) -> Standing:
    standing = Standing()
    for epoch, mean in enumerate(falls, 1):
        if found.after_epoch(epoch, min(best_epoch, epoch), losses(mean), standing):
            break
    return standing


@pytest.mark.parametrize(
    ("steps_per_epoch", "search", "most"),
    [
        (1, 200, 200),  # small data gets the many epochs that it needs
        (10, 200, 400),
        (50, 200, 2000),
        (75, 225, 3000),
        (1000, 3000, 3000),
        (4000, 4000, 4000),  # one epoch at least
    ],
)
def test_lengths_by_the_size_of_the_data(steps_per_epoch: int, search: int, most: int) -> None:
    assert search_steps(OPEN, steps_per_epoch) == search
    assert most_steps(OPEN, steps_per_epoch) == most


def test_named_epochs_are_taken() -> None:
    named = TrainingSettings(epochs=5)
    assert search_steps(named, 50) == most_steps(named, 50) == 250
    found = course(settings=named)
    assert [found.is_over(epoch, Standing()) for epoch in (5, 6)] == [False, True]
    assert not found.after_epoch(1, 1, losses(1.0), Standing())


def test_it_goes_on_while_the_loss_falls() -> None:
    standing = follow(course(), [1.0 / n for n in range(1, 20)], best_epoch=19)
    assert standing.ended is None
    assert standing.improved == 19


def test_patience_ends_it_and_the_decay_follows() -> None:
    standing = follow(course(), [1.0, 0.8, 0.6, 0.6, 0.6, 0.6], best_epoch=3)
    assert (standing.ended, standing.improved, standing.decay_from) == ("patience", 3, 6)
    assert standing.decay_epochs == 1
    found = course()
    assert [found.is_over(epoch, standing) for epoch in (6, 7)] == [False, True]


def test_a_fall_within_the_noise_is_none() -> None:
    noisy = [[1.0, 2.0] * 10, [1.9, 1.0] * 10, [2.0, 0.95] * 10]
    standing = Standing()
    ends = [course(100).after_epoch(n, 1, each, standing) for n, each in enumerate(noisy, 1)]
    assert ends == [False, False, True]


def test_patience_begins_where_rates_have_been_compared() -> None:
    """Two epochs of a few steps without a fall say little, and rungs lie at a constant rate."""
    found, standing = course(10), Standing()
    level = [found.after_epoch(epoch, 1, losses(1.0), standing) for epoch in range(1, 21)]
    assert found.search_steps == 200
    assert level == [False] * 19 + [True]
    assert standing.ended == "patience"


def test_the_limit_leaves_room_for_the_decay() -> None:
    found = course()
    falling = [1 / epoch for epoch in range(1, found.most_epochs + 1)]
    standing = follow(found, falling, best_epoch=found.most_epochs)
    assert standing.ended == "limit"
    last = standing.decay_from + standing.decay_epochs - 1
    assert 0.9 * found.most_epochs < last <= found.most_epochs


def test_the_rate_rises_stays_and_decays_to_almost_nothing() -> None:
    found = course()
    standing = follow(found, [1.0, 0.5] + [0.5] * 10, best_epoch=2)
    warm = math.ceil(0.06 * found.search_steps)
    before, open_ended = Standing(), (standing.decay_from - 1) * 50
    rates = [found.learning_rate(step, before) for step in range(1, open_ended + 1)]
    assert rates[warm - 1 :] == [1.0] * (open_ended - warm + 1)
    assert rates[:warm] == [pytest.approx(step / warm) for step in range(1, warm + 1)]
    decay = [
        found.learning_rate(open_ended + step, standing)
        for step in range(1, 50 * standing.decay_epochs + 1)
    ]
    assert decay[0] == 1.0
    assert decay == sorted(decay, reverse=True)
    assert decay[-1] == pytest.approx(1 / len(decay))


def test_a_constant_schedule_has_no_decay() -> None:
    found = course(settings=TrainingSettings(epochs="auto", schedule="constant"))
    standing = follow(found, [1.0] * 5, best_epoch=1)
    assert standing.decay_epochs == 0
    assert found.is_over(standing.decay_from, standing)


RIGHT, BETTER = [1.0] * 50 + [0.0] * 50, [1.0] * 60 + [0.0] * 40  # ten points: three errors apart
LUCKY = [*RIGHT[:49], 0.0, 1.0, 1.0, *RIGHT[52:]]  # one point more: less than one error


def standing_of(scores: list[float], loss: float) -> Standing:
    standing = Standing()
    assert standing.is_best(scores, [loss] * 100)
    return standing


@pytest.mark.parametrize(
    ("scores", "loss", "best"),
    [
        (BETTER, 2.0, True),  # more than its noise, whatever the loss
        (LUCKY, 0.9, True),
        (LUCKY, 1.1, False),
        (RIGHT, 1.0, False),  # of two alike the first
        (RIGHT[::-1], 0.9, True),
        ([0.0] * 10 + RIGHT[10:], 0.1, False),  # fewer right answers than by chance
        (RIGHT, math.nan, False),
    ],
)
def test_the_best_weights_score_higher_by_more_than_noise_or_lose_less(
    scores: list[float], loss: float, best: bool
) -> None:
    assert standing_of(RIGHT, 1.0).is_best(scores, [loss] * 100) is best


def test_in_the_decay_the_higher_score_counts_and_of_equal_ones_the_lower_loss() -> None:
    standing = standing_of(RIGHT, 1.0)
    standing.ended = "patience"
    assert standing.is_best(LUCKY, [1.1] * 100)
    assert not standing.is_best(RIGHT, [0.1] * 100)
    assert standing.is_best(LUCKY, [1.0] * 100)


def test_epochs_are_compared_with_the_weights_that_are_kept() -> None:
    standing = standing_of(RIGHT, 1.0)
    assert not standing.is_best(LUCKY, [1.1] * 100)
    assert standing.is_best(LUCKY, [0.95] * 100)
    assert not standing.is_best(RIGHT, [1.0] * 100)
