"""A linear head on a frozen backbone is solved: the solution against laws and scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

from tunewise.backbones.model import Model
from tunewise.data.examples import Example
from tunewise.methods.head import Head
from tunewise.methods.lora import LoRA
from tunewise.store.trial_records import RegularizationRecord
from tunewise.tasks.classification import Classification
from tunewise.training.encoded_split import Feed
from tunewise.training.linear_head import STRENGTHS, labeled_inputs, linear_head, solve
from tunewise.training.predictor import predict_feed

Tiny = Callable[..., Model]
TASK = Classification(text=("text",), label="label", pooling="mean")
WORDS = ["good", "warm", "bed", "bad", "cold", "room", "not", "the", "is", "a"]


def examples(count: int, *, classes: int, seed: int) -> list[Example]:
    draw = np.random.default_rng(seed)
    found = []
    for number in range(count):
        words = draw.choice(WORDS, size=6)
        found.append(Example(str(number), (" ".join(words),), int(draw.integers(classes))))
    return found


def feed(model: Model, chosen: list[Example]) -> Feed:
    return Feed(TASK, model.processor, TASK.encode(chosen, model.processor, max_length=20))


@pytest.fixture
def model(tiny: Tiny) -> Model:
    built = tiny("bert", pooling="mean")
    Head().prepare(built)
    return built


def classes_of(model: Model) -> int:
    path = linear_head(model)
    assert path is not None
    layer: Any = model.module.get_submodule(path)
    return int(layer.out_features)


def loss_of(model: Model, given: Feed) -> float:
    losses = [answer.loss for answer in predict_feed(model, given)]
    return float(np.mean([loss for loss in losses if loss is not None]))


def scale_of(x: Any, chosen: RegularizationRecord) -> Any:
    """Each feature's own deviation, or one for all."""
    squares = x.var(axis=0)
    return np.sqrt(squares if chosen.standardized else np.full_like(squares, squares.mean()))


def test_a_linear_layer_behind_a_frozen_backbone_is_found(model: Model) -> None:
    assert linear_head(model) == "classifier"


@pytest.mark.parametrize(("family", "pooling"), [("roberta", "library"), ("distilbert", "library")])
def test_a_head_with_a_hidden_layer_is_not(tiny: Tiny, family: str, pooling: str) -> None:
    built = tiny(family, pooling=pooling)
    Head().prepare(built)
    assert linear_head(built) is None


def test_what_is_trained_in_the_backbone_is_not(tiny: Tiny) -> None:
    built = tiny("bert", pooling="mean")
    LoRA().prepare(built)
    assert linear_head(built) is None


def test_at_the_solution_the_gradient_vanishes(model: Model) -> None:
    """Of the mean loss with the penalty on standardized vectors, computed by torch."""
    classes = classes_of(model)
    train = feed(model, examples(60, classes=classes, seed=0))
    solution = solve(
        model, train, feed(model, examples(30, classes=classes, seed=1)), classes=classes
    )
    chosen = min(solution.path, key=lambda tried: tried.validation_loss)
    layer: Any = model.module.get_submodule("classifier")
    x, y = labeled_inputs(model, layer, train)
    mean, deviation = torch.from_numpy(x.mean(0)), torch.from_numpy(scale_of(x, chosen))
    scaled = (torch.from_numpy(x) - mean) / deviation
    weight = layer.weight.detach().double() * deviation / chosen.scale
    bias = (layer.bias.detach().double() + layer.weight.detach().double() @ mean) / chosen.scale
    weight.requires_grad_(), bias.requires_grad_()
    loss = F.cross_entropy(scaled @ weight.T + bias, torch.from_numpy(y))
    # Of two classes one has all the weights: the penalty then is over their difference.
    (loss + chosen.strength / 2 * (weight**2).sum()).backward()
    assert weight.grad is not None and bias.grad is not None
    penalized = weight.grad if classes > 2 else weight.grad[1]
    assert penalized.abs().max() < 1e-3
    assert bias.grad.abs().max() < 1e-3
    assert solution.converged


def test_it_answers_as_scikit_learn_does(model: Model) -> None:
    classes = classes_of(model)
    train, validation = (
        feed(model, examples(count, classes=classes, seed=seed))
        for count, seed in ((60, 0), (30, 1))
    )
    layer: Any = model.module.get_submodule("classifier")
    x, y = labeled_inputs(model, layer, train)
    x_val, _ = labeled_inputs(model, layer, validation)
    solution = solve(model, train, validation, classes=classes)
    chosen = min(solution.path, key=lambda tried: tried.validation_loss)
    scale = scale_of(x, chosen)
    theirs = LogisticRegression(C=1 / (len(y) * chosen.strength), tol=1e-8, max_iter=10_000)
    theirs.fit((x - x.mean(0)) / scale, y)
    logits = theirs.decision_function((x_val - x.mean(0)) / scale)
    if classes == 2:  # scikit-learn gives the second's alone
        logits = np.stack([np.zeros(len(logits)), logits], axis=1)
    wanted = softmax(chosen.scale * logits, axis=1)
    ours = np.array([answer.probabilities for answer in predict_feed(model, validation)])
    np.testing.assert_allclose(ours, wanted, atol=2e-3)


def test_the_path_ends_at_the_least_validation_loss(model: Model) -> None:
    classes = classes_of(model)
    train = feed(model, examples(60, classes=classes, seed=0))
    validation = feed(model, examples(30, classes=classes, seed=1))
    solution = solve(model, train, validation, classes=classes)
    losses = [tried.validation_loss for tried in solution.path]
    assert loss_of(model, validation) == pytest.approx(min(losses), abs=1e-5)
    for standardized in (True, False):
        path = [tried for tried in solution.path if tried.standardized is standardized]
        assert [tried.strength for tried in path] == list(STRENGTHS[: len(path)])


def test_the_start_and_the_order_do_not_matter(tiny: Tiny) -> None:
    answers = []
    for seed in (0, 1):
        built = tiny("bert", pooling="mean", seed=seed)
        Head().prepare(built)
        classes = classes_of(built)
        train = examples(60, classes=classes, seed=0)
        validation = feed(built, examples(30, classes=classes, seed=1))
        solve(built, feed(built, train[:: 1 - 2 * seed]), validation, classes=classes)
        answers.append([answer.probabilities for answer in predict_feed(built, validation)])
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-3)


def test_a_class_that_training_never_shows_is_never_chosen(tiny: Tiny) -> None:
    built = tiny("bert", pooling="mean", options=("a", "b", "c"))
    Head().prepare(built)
    train = [one._replace(label=2 * one.label) for one in examples(40, classes=2, seed=0)]  # type: ignore[operator]  # each has a label
    validation = feed(built, train[:10])
    solve(built, feed(built, train), validation, classes=3)
    found = predict_feed(built, validation)
    assert {answer.choice for answer in found} <= {0, 2}
    assert all(answer.loss is not None and np.isfinite(answer.loss) for answer in found)


def test_examples_without_a_label_teach_nothing(model: Model) -> None:
    classes = classes_of(model)
    known = examples(40, classes=classes, seed=0)
    unknown = [one._replace(id=f"u{one.id}", label=None) for one in known]
    validation = examples(20, classes=classes, seed=1)
    answers = []
    for train in (known, [*known, *unknown]):
        solve(model, feed(model, train), feed(model, validation), classes=classes)
        answers.append([one.probabilities for one in predict_feed(model, feed(model, validation))])
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-4)
