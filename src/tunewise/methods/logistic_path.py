"""Logistic regression along a path of L2 penalties, the best of them by validation loss."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from tunewise.statistics.temperature import Matrix, best_scale, cross_entropy

PATIENCE = 3  # penalties without a better validation loss: along a path it has one valley
NEVER_SEEN = -30.0  # logit of a class that training never showed: its loss stays finite


class Labeled(NamedTuple):
    """Rows with their classes: x (examples, d), dense or sparse, and y (examples,)."""

    x: Any
    y: NDArray[np.int64]


@dataclass(frozen=True)
class LinearClassifier:
    """``softmax(W x + b)``: weight (classes, d), bias (classes,)."""

    weight: Matrix
    bias: Matrix
    converged: bool = True

    def logits(self, x: Any) -> Matrix:
        found: Matrix = x @ self.weight.T + self.bias
        return found

    def loss(self, rows: Labeled) -> float:
        """The mean cross-entropy in nats, without the penalty; 0 without any rows."""
        return float(cross_entropy(self.logits(rows.x), rows.y).mean()) if len(rows.y) else 0.0


class Tried(NamedTuple):
    """One penalty of a path: mean losses in nats, of the scaled classifier."""

    C: float
    scale: float
    train_loss: float
    validation_loss: float


class LogisticPath:
    """Multinomial logistic regression on some rows, each fit from where the last one ended.

    C is the inverse strength of the penalty, as in scikit-learn. After `fit`, `iterations` holds
    those of the solver so far.
    """

    def __init__(
        self,
        train: Labeled,
        classes: int,
        *,
        has_bias: bool = True,
        tolerance: float = 1e-4,
        most_iterations: int = 2000,
    ) -> None:
        self.train, self.classes, self.has_bias = train, classes, has_bias
        self.seen = np.unique(train.y)
        self.iterations = 0
        self.solver: Any = LogisticRegression(
            fit_intercept=has_bias, tol=tolerance, max_iter=most_iterations, warm_start=True
        )

    def fit(self, C: float) -> LinearClassifier:
        """The classifier at one penalty, for classes that training never shows too."""
        weight = np.zeros((self.classes, self.train.x.shape[1]))
        bias = np.full(self.classes, NEVER_SEEN if self.has_bias else 0.0)
        bias[self.seen] = 0.0
        if len(self.seen) == 1:
            return LinearClassifier(weight, bias)
        self.solver.C = C
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is in what is returned
            self.solver.fit(*self.train)
        # Of two classes scikit-learn keeps the weights of the second; the first has zeros.
        rows = self.seen if len(self.seen) > 2 else self.seen[1:]
        weight[rows] = self.solver.coef_
        if self.has_bias:
            bias[rows] = self.solver.intercept_
        taken = int(self.solver.n_iter_.max())
        self.iterations += taken
        return LinearClassifier(weight, bias, converged=taken < self.solver.max_iter)

    def best(
        self,
        penalties: Sequence[float],
        validation: Labeled,
        on_fit: Callable[[], None] = lambda: None,
    ) -> tuple[LinearClassifier, list[Tried]]:
        """The classifier of least validation loss, the stronger of equal ones; all that was tried.

        A strong penalty makes a classifier timid and a weak one bold, whatever they know. So that
        they are compared by what they know, each is scaled by the factor that suits the validation
        split best, which changes no answer.

        Args:
            penalties: of C, strong to weak.
            validation: rows to choose on. Without any, the strongest penalty is taken.
            on_fit: called after each fit.
        """
        fits: list[LinearClassifier] = []
        tried: list[Tried] = []
        best = 0
        for place, C in enumerate(penalties):
            fit = self.fit(C)
            scale = suited_scale(fit, validation, self.seen)
            fits.append(fit := scaled(fit, scale, self.seen))
            tried.append(Tried(C, scale, fit.loss(self.train), fit.loss(validation)))
            on_fit()
            if tried[place].validation_loss < tried[best].validation_loss:
                best = place
            elif place - best >= PATIENCE:
                break
        return fits[best], tried


def scaled(classifier: LinearClassifier, scale: float, seen: NDArray[np.int64]) -> LinearClassifier:
    """With the logits of the classes that training shows multiplied by `scale`."""
    bias = classifier.bias.copy()
    bias[seen] *= scale
    return replace(classifier, weight=classifier.weight * scale, bias=bias)


def suited_scale(
    classifier: LinearClassifier, validation: Labeled, seen: NDArray[np.int64]
) -> float:
    """The factor of least loss on the rows whose class training shows; 1 without any."""
    known = np.flatnonzero(np.isin(validation.y, seen))
    logits = classifier.logits(validation.x[known])[:, seen]
    return best_scale(logits, np.searchsorted(seen, validation.y[known]))
