"""By what rates are compared while they train: what a model knows, not how sure it is."""

from __future__ import annotations

import math

import pytest

from tunewise.data.examples import Example, Prediction
from tunewise.tasks.classification import Classification

TASK = Classification(text=("text",), label="label", labels=("no", "yes"))
LABELS = [0, 1, 1, 0, 1, 1, 0, 0]
RIGHT = [0.9, 0.8, 0.7, 0.9, 0.6, 0.9, 0.8, 0.3]  # probability of the right class
EXAMPLES = [Example(str(at), ("text",), label) for at, label in enumerate(LABELS)]


def answered(right: list[float]) -> list[Prediction]:
    return [
        Prediction(str(at), 0, (p, 1 - p) if label == 0 else (1 - p, p), -math.log(p))
        for at, (p, label) in enumerate(zip(right, LABELS, strict=True))
    ]


def sharpened(p: float, scale: float) -> float:
    return p**scale / (p**scale + (1 - p) ** scale)


def test_a_model_that_is_too_sure_loses_nothing_by_it() -> None:
    surer = [answered([sharpened(p, scale) for p in RIGHT]) for scale in (4, 8)]
    losses = [TASK.comparable_losses(one, EXAMPLES) for one in surer]
    assert sum(one.loss or 0 for one in surer[1]) > 1.5 * sum(losses[1])
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)


def test_a_model_that_is_not_sure_enough_has_learned_less() -> None:
    timid = answered([sharpened(p, 0.3) for p in RIGHT])
    plain = [one.loss for one in timid]
    assert TASK.comparable_losses(timid, EXAMPLES) == pytest.approx(plain, abs=1e-4)


def test_they_are_less_than_the_plain_losses_of_a_model_that_is_too_sure() -> None:
    sure = answered([sharpened(p, 4) for p in RIGHT])
    losses = TASK.comparable_losses(sure, EXAMPLES)
    assert sum(losses) < 0.9 * sum(one.loss or 0 for one in sure)


def test_an_example_without_a_label_has_none() -> None:
    predictions = answered(RIGHT)
    predictions[3] = predictions[3]._replace(loss=None)
    assert len(TASK.comparable_losses(predictions, EXAMPLES)) == len(LABELS) - 1


def test_a_training_that_diverged_stays_so() -> None:
    predictions = answered(RIGHT)
    predictions[3] = predictions[3]._replace(loss=math.nan, probabilities=(math.nan, math.nan))
    losses = TASK.comparable_losses(predictions, EXAMPLES)
    assert not all(map(math.isfinite, losses))
