"""The L2 penalty of a logistic regression, chosen on validation."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from tunewise.export.script.blocks.constants import LABELS

Matrix = NDArray[np.float64]


def along_the_path(
    train: tuple[Any, NDArray[np.int64]],
    validation: tuple[Any, NDArray[np.int64]],
    penalties: Sequence[float],
    *,
    has_bias: bool,
    tol: float,
    max_iter: int,
) -> tuple[float, Matrix, Matrix]:
    """The least validation loss over penalties from strong to weak, with weight and bias."""
    solver: Any = LogisticRegression(
        fit_intercept=has_bias, tol=tol, max_iter=max_iter, warm_start=True
    )
    seen = np.unique(train[1])
    found: list[tuple[float, Matrix, Matrix]] = []
    best = 0
    for place, penalty in enumerate(penalties):
        weight, bias = penalized(solver.set_params(C=penalty), *train)
        scale = best_scale(validation[0] @ weight.T + bias, validation[1], seen)
        weight *= scale
        bias[seen] *= scale
        loss = cross_entropy(validation[0] @ weight.T + bias, validation[1])
        found.append((loss, weight, bias))
        if found[place][0] < found[best][0]:
            best = place
        elif place - best >= 3:  # the losses along a path have one valley
            break
    return found[best]


def penalized(solver: Any, x: Any, y: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
    """Weight (classes, d) and bias (classes,), also of classes that the rows never show."""
    seen = np.unique(y)
    weight = np.zeros((len(LABELS), x.shape[1]))
    bias = np.full(len(LABELS), -30.0 if solver.fit_intercept else 0.0)
    bias[seen] = 0.0
    if len(seen) > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            solver.fit(x, y)
        rows = seen if len(seen) > 2 else seen[1:]  # of two classes the first has zeros
        weight[rows] = solver.coef_
        if solver.fit_intercept:
            bias[rows] = solver.intercept_
    return weight, bias


def best_scale(logits: Matrix, labels: NDArray[np.int64], seen: NDArray[np.int64]) -> float:
    """The factor of the logits that suits validation best: it makes penalties comparable."""
    known = np.isin(labels, seen)
    if not known.any():
        return 1.0
    logits, places = logits[known][:, seen], np.searchsorted(seen, labels[known])
    found = minimize_scalar(
        lambda power: cross_entropy(np.exp(power) * logits, places),
        bounds=(-np.log(20), np.log(20)),
        method="bounded",
    )
    return float(np.exp(found.x))


def cross_entropy(logits: Matrix, labels: NDArray[np.int64]) -> float:
    """The mean cross-entropy in nats."""
    logits = logits - logits.max(1, keepdims=True)
    right = logits[np.arange(len(labels)), labels]
    return float((np.log(np.exp(logits).sum(1)) - right).mean())
