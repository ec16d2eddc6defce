"""A path of penalties, against laws and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from tunewise.methods.logistic_path import Labeled, LogisticPath, scaled, suited_scale

DRAW = np.random.default_rng(0)
TRUTH = DRAW.normal(size=(3, 5))
PENALTIES = [10.0**k for k in range(-3, 4)]


def rows(count: int, seed: int) -> Labeled:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, 5))
    return Labeled(x, (x @ TRUTH.T + draw.gumbel(size=(count, 3))).argmax(1))


TRAIN, VALIDATION = rows(100, 1), rows(80, 2)


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_a_fit_is_that_of_scikit_learn(C: float) -> None:
    fitted = LogisticPath(TRAIN, 3, tolerance=1e-8).fit(C)
    theirs = LogisticRegression(C=C, tol=1e-8, max_iter=2000).fit(*TRAIN)
    np.testing.assert_allclose(fitted.weight, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(fitted.bias, theirs.intercept_, atol=1e-6)
    wanted = log_loss(VALIDATION.y, theirs.predict_proba(VALIDATION.x))
    assert fitted.loss(VALIDATION) == pytest.approx(wanted, abs=1e-6)


def test_the_scale_is_the_best_and_changes_no_answer() -> None:
    fitted = LogisticPath(TRAIN, 3, has_bias=False).fit(0.01)  # far too timid
    seen = np.arange(3)
    scale = suited_scale(fitted, VALIDATION, seen)
    best = scaled(fitted, scale, seen)
    assert scale > 2
    for other in (0.9 * scale, 1.1 * scale, 1.0):
        assert best.loss(VALIDATION) < scaled(fitted, other, seen).loss(VALIDATION)
    answers = [one.logits(VALIDATION.x).argmax(1).tolist() for one in (fitted, best)]
    assert answers[0] == answers[1]


def test_the_best_of_a_path_has_the_least_validation_loss() -> None:
    best, tried = LogisticPath(TRAIN, 3).best(PENALTIES, VALIDATION)
    assert best.loss(VALIDATION) == pytest.approx(min(one.validation_loss for one in tried))
    assert [one.C for one in tried] == PENALTIES[: len(tried)]


def test_a_weaker_penalty_fits_training_better() -> None:
    path = LogisticPath(TRAIN, 3)
    losses = [path.fit(C).loss(TRAIN) for C in PENALTIES]
    assert losses == sorted(losses, reverse=True)


def test_sparse_rows_give_the_same() -> None:
    sparse = [Labeled(csr_matrix(each.x), each.y) for each in (TRAIN, VALIDATION)]
    ours = LogisticPath(sparse[0], 3, tolerance=1e-8).best(PENALTIES, sparse[1])
    dense = LogisticPath(TRAIN, 3, tolerance=1e-8).best(PENALTIES, VALIDATION)
    np.testing.assert_allclose(ours[0].weight, dense[0].weight, rtol=1e-3)


def test_a_class_that_training_never_shows_keeps_a_finite_loss() -> None:
    kept = TRAIN.y < 2
    path = LogisticPath(Labeled(TRAIN.x[kept], TRAIN.y[kept]), 3)
    best, _ = path.best(PENALTIES, VALIDATION)
    assert (best.logits(VALIDATION.x).argmax(1) < 2).all()
    assert np.isfinite(best.loss(VALIDATION))


def test_without_validation_the_strongest_penalty_is_taken() -> None:
    nothing = Labeled(np.empty((0, 5)), np.empty(0, dtype=np.int64))
    best, tried = LogisticPath(TRAIN, 3).best(PENALTIES, nothing)
    np.testing.assert_array_equal(best.weight, LogisticPath(TRAIN, 3).fit(PENALTIES[0]).weight)
    assert tried[0].scale == 1.0
