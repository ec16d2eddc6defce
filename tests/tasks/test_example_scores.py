"""What each example adds to the metric that chooses among the epochs of a training."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import pytest

from tunewise.data.examples import Example, Prediction, Written
from tunewise.tasks.base import Task
from tunewise.tasks.chat import Conversations
from tunewise.tasks.classification import Classification
from tunewise.tasks.question_answering import QuestionAnswering

LABELS, CHOICES = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 0]
OPTIONS = [Example(str(at), ("text",), label) for at, label in enumerate(LABELS)]
CHOSEN = [
    Prediction(str(at), choice, tuple(0.8 if c == choice else 0.1 for c in range(3)), loss=0.5 + at)
    for at, choice in enumerate(CHOICES)
]
CLASSES = Classification(text=("text",), label="label", labels=("a", "b", "c"))

TURNS = ('[["user", "Where?", true]]',)
ASKED = [Example(str(at), TURNS, references=("in the garden",)) for at in range(3)]
SAID = ("in the garden", "the garden", "nowhere")
WRITTEN = [
    Prediction(str(at), -1, (), 2.0 + at, (Written("greedy", 0, text, 3, "end"),), 4)
    for at, text in enumerate(SAID)
]


@pytest.mark.parametrize(
    ("task", "metric"),
    [
        (QuestionAnswering(metrics=("exact_match",)), "exact_match"),
        (QuestionAnswering(metrics=("f1",)), "f1"),
        (Conversations(metrics=("normalized_match",)), "normalized_match"),
    ],
)
def test_of_written_answers_their_mean_is_the_metric(task: Task, metric: str) -> None:
    scores = task.example_scores(WRITTEN, ASKED)
    assert fmean(scores) == pytest.approx(task.score(WRITTEN, ASKED)[metric])
    assert len(set(scores)) > 1


def test_of_options_it_is_whether_one_is_right() -> None:
    scores = CLASSES.example_scores(CHOSEN, OPTIONS)
    assert scores == [1, 1, 0, 1, 0, 0]
    assert fmean(scores) == CLASSES.score(CHOSEN, OPTIONS)["accuracy"]


def test_where_classes_count_alike_the_mean_is_over_classes() -> None:
    scores = replace(CLASSES, metrics=("f1_macro",)).example_scores(CHOSEN, OPTIONS)
    assert fmean(scores) == pytest.approx(fmean([2 / 3, 1 / 2, 0]))  # found of each class


@pytest.mark.parametrize(
    ("task", "predictions", "examples"),
    [
        (replace(CLASSES, metrics=("loss",)), CHOSEN, OPTIONS),
        (Conversations(metrics=("bits_per_byte",)), WRITTEN, ASKED),
    ],
)
def test_where_less_is_better_it_is_the_loss_turned(
    task: Task, predictions: list[Prediction], examples: list[Example]
) -> None:
    losses = task.comparable_losses(predictions, examples)
    assert task.example_scores(predictions, examples) == [-loss for loss in losses]
    assert losses[0] < losses[-1]


def test_an_example_without_a_label_adds_nothing() -> None:
    examples = [*OPTIONS[:-1], OPTIONS[-1]._replace(label=None)]
    assert len(CLASSES.example_scores(CHOSEN, examples)) == len(OPTIONS) - 1
