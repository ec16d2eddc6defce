"""Label mistakes: what was planted is found, and how often a doubt is right."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tunewise.statistics.label_errors import (
    ABLE,
    class_thresholds,
    confident_classes,
    likely_label_errors,
)

FLIPPED = 0.05  # of the labels


def drawn(sureness: float, classes: int = 5, examples: int = 20_000) -> tuple[NDArray, ...]:
    """Labels of which one in twenty is wrong, calibrated probabilities, and which are wrong.

    A class is a unit vector times `sureness` in unit noise, so the softmax is the posterior.
    """
    rng = np.random.default_rng(0)
    truth = rng.integers(0, classes, examples)
    seen = rng.normal(size=(examples, classes))
    seen[np.arange(examples), truth] += sureness
    chances = np.exp(sureness * seen)
    chances /= chances.sum(axis=1, keepdims=True)
    wrong = rng.random(examples) < FLIPPED
    labels = np.where(wrong, (truth + rng.integers(1, classes, examples)) % classes, truth)
    return labels, chances, wrong


@pytest.mark.parametrize(("sureness", "right"), [(2.0, 0.3), (3.0, 0.75), (6.0, 0.99)])
def test_doubts_are_worth_reading_where_the_model_agrees_with_enough_labels(
    sureness: float, right: float
) -> None:
    labels, chances, wrong = drawn(sureness)
    assert (chances.argmax(axis=1) == labels).mean() >= ABLE - 0.005
    assert wrong[likely_label_errors(labels, chances)].mean() >= right


def test_a_weak_model_doubts_mostly_right_labels() -> None:
    labels, chances, wrong = drawn(1.0)
    assert (chances.argmax(axis=1) == labels).mean() < ABLE
    assert wrong[likely_label_errors(labels, chances)].mean() < 0.1


def test_the_least_probable_label_comes_first_and_no_agreement_is_doubted() -> None:
    labels, chances, _ = drawn(2.0, examples=500)
    found = likely_label_errors(labels, chances)
    own = chances[found, labels[found]]
    assert (np.diff(own) >= 0).all()
    assert (chances[found].argmax(axis=1) != labels[found]).all()


def test_a_class_that_nobody_is_labeled_with_is_never_confident() -> None:
    labels, chances = np.array([0, 0, 1]), np.array([[0.1, 0.1, 0.8], [0.8, 0.1, 0.1], [0, 1, 0]])
    assert class_thresholds(labels, chances)[2] == np.inf
    assert 2 not in confident_classes(labels, chances)


def test_no_examples_have_no_mistakes() -> None:
    assert likely_label_errors(np.array([], dtype=np.int64), np.empty((0, 3))).size == 0
    with pytest.raises(ValueError, match="1 labels and 2 rows"):
        likely_label_errors(np.array([0]), np.full((2, 2), 0.5))
