"""Temperature scaling, against its laws and a search over a fine grid."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from tunewise.statistics.temperature import (
    LARGEST_SCALE,
    best_scale,
    cross_entropy,
    softened_losses,
)

DRAW = np.random.default_rng(0)
LOGITS = DRAW.normal(size=(300, 4))
LABELS = (LOGITS + DRAW.gumbel(size=(300, 4))).argmax(1)  # drawn from softmax(LOGITS)


def test_cross_entropy_is_that_of_scikit_learn() -> None:
    ours = cross_entropy(LOGITS, LABELS).mean()
    assert ours == pytest.approx(log_loss(LABELS, softmax(LOGITS, axis=1)))


def test_the_best_scale_is_that_of_a_fine_grid() -> None:
    grid = np.exp(np.linspace(-3, 3, 2001))
    losses = [cross_entropy(scale * LOGITS, LABELS).mean() for scale in grid]
    assert best_scale(LOGITS, LABELS) == pytest.approx(grid[np.argmin(losses)], rel=5e-3)


@pytest.mark.parametrize("sureness", [2.0, 7.0])
def test_how_much_too_sure_a_model_is_makes_no_difference(sureness: float) -> None:
    losses = softened_losses(softmax(sureness * LOGITS, axis=1), LABELS)
    best = best_scale(LOGITS, LABELS)
    np.testing.assert_allclose(losses, cross_entropy(best * LOGITS, LABELS), atol=1e-3)


def test_one_that_is_not_sure_enough_keeps_its_losses() -> None:
    timid = 0.2 * LOGITS
    losses = softened_losses(softmax(timid, axis=1), LABELS)
    np.testing.assert_allclose(losses, cross_entropy(timid, LABELS), atol=1e-4)


def test_no_scale_is_worse_than_knowing_nothing() -> None:
    wrong = (LABELS + 1) % 4
    sure = np.where(np.arange(4) == wrong[:, None], 1.0, 0.0)
    assert softened_losses(sure, LABELS).mean() < 5 * np.log(4)
    assert best_scale(np.log(sure + 1e-30), LABELS) == pytest.approx(1 / LARGEST_SCALE, rel=0.01)


def test_a_model_that_is_always_right_stays_finite() -> None:
    sure = np.eye(4)[LABELS]
    assert np.isfinite(softened_losses(sure, LABELS)).all()
    assert best_scale(np.zeros((0, 4)), np.zeros(0, dtype=np.int64)) == 1.0
