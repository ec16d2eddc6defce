"""How good the answers of one run are: columns in, a number out.

Every metric here is a function of sums over examples: the fraction of right answers needs two sums,
macro F1 three per class. Whoever resamples examples only weighs those sums anew, so ten thousand
bootstrap replicates cost one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunewise.core.errors import InputError, unknown

FloatArray = NDArray[np.float64]
SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)  # as in sklearn.metrics.log_loss


class Columns(NamedTuple):
    """What one run answered.

    Shapes:
        labels         (examples,)          position of the right option
        choices        (examples,)          position of the chosen option
        probabilities  (examples, options)  each row sums to one; None where they were not stored
        scores         name -> (examples,)  scores that were given example by example, of written
        texts

    Where texts were written, a label is 1 and the choice is 1 where the text is right, else 0.
    """

    labels: NDArray[np.integer]
    choices: NDArray[np.integer]
    probabilities: NDArray[np.floating] | None = None
    scores: Mapping[str, FloatArray] | None = None


@dataclass(frozen=True)
class Metric:
    """A score of one run, computed from sums over its examples.

    `features(columns, classes)` gives one row per example, shape (examples, sums); `from_sums`
    turns their sum, shape (..., sums), into scores of shape (...), NaN where the score is
    undefined. `is_mean` says that the score is a plain mean over examples, so a single example has
    a score too. `kind` is "proportion" where that mean counts right answers. `lowest` and `highest`
    bound the score.
    """

    name: str
    features: Callable[[Columns, int], FloatArray]
    from_sums: Callable[[FloatArray], FloatArray]
    higher_is_better: bool = True
    kind: Literal["proportion", "other"] = "other"
    is_mean: bool = False
    lowest: float = 0.0
    highest: float = 1.0

    def of(self, columns: Columns) -> float | None:
        """The score of the run, or None where it is not defined.

        Raises:
            ValueError: there is no example, or the columns differ in length.
        """
        features = self.features(_checked(columns), classes_in(columns))
        value = float(self.from_sums(features.sum(axis=0)))
        return value if np.isfinite(value) else None


class ClassScores(NamedTuple):
    """One class: how much of what was called so is so, how much of what is so was found."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    chosen: int


def metric_named(name: str) -> Metric:
    """The metric of that name; an unknown one is an `InputError` with the nearest name."""
    if name not in METRICS:
        raise InputError(unknown("metric", name, METRICS))
    return METRICS[name]


def upward(name: str, value: float) -> float:
    """The value turned so that higher is better, for choosing.

    >>> upward("accuracy", 0.5), upward("loss", 0.5)
    (0.5, -0.5)
    """
    return value if metric_named(name).higher_is_better else -value


def scores_of(columns: Columns, names: tuple[str, ...]) -> dict[str, float | None]:
    """Several metrics of one run, by name."""
    return {name: metric_named(name).of(columns) for name in names}


def classes_in(*runs: Columns) -> int:
    """One more than the highest position among the labels and choices of all runs."""
    return 1 + max(int(max(run.labels.max(), run.choices.max())) for run in runs)


def confusion(columns: Columns, classes: int) -> NDArray[np.int64]:
    """Counts of (right, chosen), shape (classes, classes).

    >>> confusion(Columns(np.array([0, 0, 1]), np.array([0, 1, 1])), 2).tolist()
    [[1, 1], [0, 1]]
    """
    labels, choices, *_ = _checked(columns)
    cells = np.bincount(labels * classes + choices, minlength=classes * classes)
    return cells.reshape(classes, classes)


def class_scores(columns: Columns, classes: int) -> list[ClassScores]:
    """Precision, recall and F1 of each class, None where its denominator is zero."""
    table = confusion(columns, classes)
    hits, support, chosen = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    return [
        ClassScores(
            _fraction(hit, called),
            _fraction(hit, real),
            _fraction(2 * hit, called + real),
            real,
            called,
        )
        for hit, real, called in zip(hits.tolist(), support.tolist(), chosen.tolist(), strict=True)
    ]


def _fraction(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _checked(columns: Columns) -> Columns:
    examples = len(columns.labels)
    if examples == 0:
        raise ValueError("a metric needs at least one example")
    if len(columns.choices) != examples:
        raise ValueError(f"{examples} labels, but {len(columns.choices)} choices")
    return columns


def _right(columns: Columns, classes: int) -> FloatArray:
    right = (columns.labels == columns.choices).astype(np.float64)
    return np.stack([right, np.ones_like(right)], axis=1)


def _surprise(columns: Columns, classes: int) -> FloatArray:
    if columns.scores is not None and "loss" in columns.scores:
        return _given("loss")(columns, classes)
    if columns.probabilities is None:
        raise ValueError("the loss needs the probabilities of the options")
    given = columns.probabilities[np.arange(len(columns.labels)), columns.labels]
    loss = -np.log(np.clip(given.astype(np.float64), SMALLEST_PROBABILITY, 1.0))
    return np.stack([loss, np.ones_like(loss)], axis=1)


def _given(name: str) -> Callable[[Columns, int], FloatArray]:
    """The features of a score that is known example by example."""

    def features(columns: Columns, classes: int) -> FloatArray:
        if columns.scores is None or name not in columns.scores:
            raise ValueError(f"{name} needs the score of each example")
        given = np.asarray(columns.scores[name], dtype=np.float64)
        return np.stack([given, np.ones_like(given)], axis=1)

    return features


def _ratio(above: str, below: str) -> Callable[[Columns, int], FloatArray]:
    """The features of a score that is one sum over examples divided by another."""

    def features(columns: Columns, classes: int) -> FloatArray:
        if columns.scores is None or not {above, below} <= columns.scores.keys():
            raise ValueError(f"needs {above} and {below} of each example")
        return np.stack([columns.scores[above], columns.scores[below]], axis=1)

    return features


def _mean(sums: FloatArray) -> FloatArray:
    return sums[..., 0] / sums[..., 1]


def _hits_support_chosen(columns: Columns, classes: int) -> FloatArray:
    real = np.eye(classes)[columns.labels]
    called = np.eye(classes)[columns.choices]
    return np.concatenate([real * called, real, called], axis=1)  # (examples, 3 classes)


def _counts(sums: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Hits, support and choices per class; NaN throughout where all examples have one label.

    With a single class among the labels, nothing shows that the run can tell classes apart.
    """
    hits, support, chosen = np.split(sums, 3, axis=-1)
    several = (support > 0).sum(axis=-1, keepdims=True) > 1
    return np.where(several, hits, np.nan), support, chosen


def _class_f1(
    hits: FloatArray, support: FloatArray, chosen: FloatArray
) -> tuple[FloatArray, NDArray[np.bool]]:
    """F1 of each class, and which classes occur as a label or as a choice at all."""
    occurs = support + chosen > 0
    return 2 * hits / np.where(occurs, support + chosen, 1.0), occurs


def _f1_macro(sums: FloatArray) -> FloatArray:
    f1, occurs = _class_f1(*_counts(sums))
    return f1.sum(axis=-1) / occurs.sum(axis=-1)


def _f1_weighted(sums: FloatArray) -> FloatArray:
    hits, support, chosen = _counts(sums)
    f1, _ = _class_f1(hits, support, chosen)
    return (f1 * support).sum(axis=-1) / support.sum(axis=-1)


def _balanced_accuracy(sums: FloatArray) -> FloatArray:
    hits, support, _ = _counts(sums)
    recall = hits / np.where(support > 0, support, 1.0)
    return recall.sum(axis=-1) / (support > 0).sum(axis=-1)


def _matthews(sums: FloatArray) -> FloatArray:
    hits, support, chosen = _counts(sums)
    examples = support.sum(axis=-1)
    covariance = hits.sum(axis=-1) * examples - (support * chosen).sum(axis=-1)
    spread = (examples**2 - (support**2).sum(axis=-1)) * (examples**2 - (chosen**2).sum(axis=-1))
    return np.where(spread > 0, covariance / np.sqrt(np.where(spread > 0, spread, 1.0)), np.nan)


SUMMED = ("bits", "bytes")
"""Of each example, what bits per byte are made of."""

_ALL = (
    Metric("accuracy", _right, _mean, kind="proportion", is_mean=True),
    Metric("f1_macro", _hits_support_chosen, _f1_macro),
    Metric("f1_weighted", _hits_support_chosen, _f1_weighted),
    # One label and one choice per example: every wrong answer is one miss and one false alarm.
    Metric("f1_micro", _right, _mean, kind="proportion", is_mean=True),
    Metric("balanced_accuracy", _hits_support_chosen, _balanced_accuracy),
    Metric("matthews", _hits_support_chosen, _matthews, lowest=-1.0),
    Metric("exact_match", _given("exact_match"), _mean, kind="proportion", is_mean=True),
    Metric("f1", _given("f1"), _mean, is_mean=True),
    Metric("normalized_match", _given("normalized_match"), _mean, kind="proportion", is_mean=True),
    Metric("well_formed", _given("well_formed"), _mean, kind="proportion", is_mean=True),
    Metric("ended_itself", _given("ended_itself"), _mean, kind="proportion", is_mean=True),
    Metric(
        "answer_characters",
        _given("answer_characters"),
        _mean,
        higher_is_better=False,
        is_mean=True,
        highest=float("inf"),
    ),
    Metric(
        "bits_per_byte",
        _ratio(*SUMMED),
        _mean,
        higher_is_better=False,
        highest=float("inf"),
    ),
    Metric("loss", _surprise, _mean, higher_is_better=False, is_mean=True, highest=float("inf")),
    Metric(
        "score", _given("score"), _mean, is_mean=True, lowest=-float("inf"), highest=float("inf")
    ),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
"""Every metric by name. Averages over classes count those that occur as a label or a choice,
as in scikit-learn; an undefined score is None, where scikit-learn says 0 and warns.
`exact_match` and `f1` are those of `squad`, of written answers; in a conversation `exact_match` is
of the text as it stands, and `normalized_match` as SQuAD compares. `well_formed`, `ended_itself`
and `answer_characters` are of what was written; `bits_per_byte` of the right answer: the bits that
a model needs for it and its end, by the bytes of its text, over all examples. `score` is whatever
another program gave each example, higher being better."""

WRITTEN = ("exact_match", "f1")
"""The metrics of an answer that is written to a question about a context."""
CONVERSED = (
    "bits_per_byte",
    "exact_match",
    "normalized_match",
    "f1",
    "well_formed",
    "ended_itself",
    "answer_characters",
)
"""Those of an answer in a conversation."""
GIVEN = "score"
"""The metric of a program that we do not know."""
CHOSEN = tuple(name for name in METRICS if name not in {*WRITTEN, *CONVERSED, GIVEN})
"""Those of an option that is chosen."""
