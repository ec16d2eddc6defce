"""What a conversion changes, counted by hand; and a model that is converted, where that can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tunewise.cli.convert import too_far
from tunewise.costs.latency import timed
from tunewise.export.runtime.measured import compared
from tunewise.store.answers import Answers

LABELS = np.array([0, 1] * 20)


def answers(wrong: Sequence[int]) -> Answers:
    """Forty answers that are right but for these."""
    choices = LABELS.copy()
    choices[list(wrong)] = 1 - choices[list(wrong)]
    probabilities = np.where(np.arange(2) == choices[:, None], 0.9, 0.1)
    return Answers(tuple(map(str, range(40))), LABELS, choices, probabilities)


def test_a_difference_is_converted_minus_trained_over_the_same_examples() -> None:
    found = compared(answers([0]), answers([0, 1, 2]), metric="accuracy", split="test")
    assert (found.trained, found.converted) == (39 / 40, 37 / 40)
    assert found.difference == pytest.approx(-2 / 40)
    assert found.interval is not None
    assert found.interval.low < -2 / 40 < found.interval.high
    assert found.same_answers == 38 / 40
    assert found.largest == pytest.approx(0.8)
    back = compared(answers([0, 1, 2]), answers([0]), metric="accuracy", split="test")
    assert back.difference == pytest.approx(2 / 40)
    assert back.worse_by() < 0 < found.worse_by()


def test_what_is_worse_by_more_than_the_margin_is_refused() -> None:
    found = compared(answers([]), answers([1, 2]), metric="accuracy", split="test")
    assert too_far(found, 5.0) is None
    assert "worse by more than --margin 4 (−5.0)" in str(too_far(found, 4.0))
    assert too_far(compared(answers([1]), answers([]), metric="accuracy", split="test"), 0) is None


def test_the_best_batch_is_the_last_that_answers_more_in_a_second() -> None:
    """A second for a batch of up to four; beyond that each doubling takes three times as long."""
    now, cost = [0.0], {1: 1.0, 2: 1.0, 4: 1.0, 8: 3.0}

    def answer(batch: Sequence[int]) -> None:
        now[0] += cost[len(batch)]

    one, best = timed(answer, range(100), clock=lambda: now[0])
    assert (one.batch_size, one.median_seconds, one.p95_seconds) == (1, 1.0, 1.0)
    assert (best.batch_size, best.examples_per_second) == (4, 4.0)
