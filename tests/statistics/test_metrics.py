from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from tunewise.core.errors import InputError
from tunewise.statistics.metrics import (
    CHOSEN,
    METRICS,
    Columns,
    class_scores,
    confusion,
    metric_named,
)
from tunewise.statistics.resampling import resample


@st.composite
def answers(draw: st.DrawFn) -> Columns:
    """Runs of any length over up to six options, at least two of them among the labels."""
    options = draw(st.integers(2, 6))
    examples = draw(st.integers(2, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(0, options, examples)
    labels[:2] = [0, 1]
    scores = rng.random((examples, options)) + 0.01
    return Columns(
        labels, rng.integers(0, options, examples), scores / scores.sum(1, keepdims=True)
    )


def of_sklearn(name: str, run: Columns) -> float:
    labels, choices, probabilities, _ = run
    assert probabilities is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where a class was never a label
        match name:
            case "accuracy":
                return float(reference.accuracy_score(labels, choices))
            case "balanced_accuracy":
                return float(reference.balanced_accuracy_score(labels, choices))
            case "matthews":
                return float(reference.matthews_corrcoef(labels, choices))
            case "loss":
                options = list(range(probabilities.shape[1]))
                return float(reference.log_loss(labels, probabilities, labels=options))
        return float(reference.f1_score(labels, choices, average=name.removeprefix("f1_")))


@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("name", CHOSEN)
@given(run=answers())
def test_every_metric_equals_scikit_learns(name: str, run: Columns) -> None:
    value = METRICS[name].of(run)
    if value is None:  # one choice throughout: the correlation does not exist
        assert name == "matthews" and len(set(run.choices.tolist())) == 1
    else:
        assert value == pytest.approx(of_sklearn(name, run), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(run=answers())
def test_scores_of_classes_equal_scikit_learns(run: Columns) -> None:
    options = 6
    precision, recall, f1, _ = reference.precision_recall_fscore_support(
        run.labels, run.choices, labels=list(range(options)), zero_division=np.nan
    )
    for place, found in enumerate(class_scores(run, options)):
        for ours, theirs in zip(
            found[:3], (precision[place], recall[place], f1[place]), strict=True
        ):
            assert (ours is None and np.isnan(theirs)) or ours == pytest.approx(theirs)
    table = reference.confusion_matrix(run.labels, run.choices, labels=list(range(options)))
    assert np.array_equal(confusion(run, options), table)


@pytest.mark.parametrize("name", CHOSEN)
def test_replicates_equal_the_metric_of_the_examples_drawn(name: str) -> None:
    rng = np.random.default_rng(1)
    labels, choices = rng.integers(0, 3, 40), rng.integers(0, 3, 40)
    even = np.full((40, 3), 1 / 3)
    run = Columns(labels, choices, even)
    drawn = resample(METRICS[name], [run], rng=rng, resamples=2000)
    again = np.random.default_rng(2).integers(0, 40, (2000, 40))
    direct = [
        METRICS[name].of(Columns(labels[i], choices[i], np.full((40, 3), 1 / 3))) for i in again
    ]
    values = np.array([value for value in direct if value is not None])
    assert np.nanmean(drawn.replicates[0]) == pytest.approx(values.mean(), abs=0.01)
    assert np.nanstd(drawn.replicates[0]) == pytest.approx(values.std(), rel=0.1, abs=1e-12)


@pytest.mark.parametrize("name", ["f1_macro", "f1_weighted", "balanced_accuracy", "matthews"])
def test_a_single_class_among_the_labels_leaves_the_score_undefined(name: str) -> None:
    assert METRICS[name].of(Columns(np.zeros(5, int), np.array([0, 0, 1, 0, 0]))) is None


def test_accuracy_is_defined_for_a_single_class() -> None:
    assert METRICS["accuracy"].of(Columns(np.zeros(4, int), np.array([0, 0, 1, 0]))) == 0.75


def test_one_choice_throughout_has_no_correlation() -> None:
    assert METRICS["matthews"].of(Columns(np.array([0, 1, 2]), np.zeros(3, int))) is None


def test_a_class_that_never_occurs_has_no_scores() -> None:
    missing = class_scores(Columns(np.array([0, 1]), np.array([0, 1])), 3)[2]
    assert (missing.precision, missing.recall, missing.f1) == (None, None, None)


def test_a_certain_wrong_answer_has_a_finite_loss() -> None:
    run = Columns(np.array([0]), np.array([1]), np.array([[0.0, 1.0]]))
    loss = METRICS["loss"].of(run)
    assert loss is not None
    assert 30 < loss < 40


def test_loss_without_probabilities_says_so() -> None:
    with pytest.raises(ValueError, match="needs the probabilities"):
        METRICS["loss"].of(Columns(np.array([0]), np.array([0])))


def test_no_examples_and_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one example"):
        METRICS["accuracy"].of(Columns(np.array([], int), np.array([], int)))
    with pytest.raises(ValueError, match="2 labels, but 1 choices"):
        METRICS["accuracy"].of(Columns(np.array([0, 1]), np.array([0])))


def test_an_unknown_metric_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'accuracy'"):
        metric_named("acuracy")


def test_ten_thousand_resamples_of_macro_f1_take_less_than_two_seconds() -> None:
    rng = np.random.default_rng(0)
    run = Columns(rng.integers(0, 10, 2000), rng.integers(0, 10, 2000))
    start = time.process_time()
    drawn = resample(METRICS["f1_macro"], [run], rng=rng, resamples=10_000)
    assert drawn.replicates.shape == (1, 10_000)
    assert time.process_time() - start < 2
