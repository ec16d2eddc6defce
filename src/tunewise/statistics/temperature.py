"""The scale of logits that suits known labels best: temperature scaling.

A model that is too sure of itself, or not sure enough, has a large loss whatever it knows. Where
models are compared by what they know, each is scaled first, which changes no answer.

While models still learn, one that is not sure enough has learned less so far; there only those that
are too sure are scaled.

Source: Guo et al., “On calibration of modern neural networks,” ICML 2017.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

LARGEST_SCALE = 20.0  # and its inverse the smallest: a model that is always right has no best
LEAST_PROBABILITY = float(np.finfo(np.float32).tiny)

Matrix = NDArray[np.float64]


def best_scale(
    logits: Matrix, labels: NDArray[np.int64], *, largest: float = LARGEST_SCALE
) -> float:
    """The factor of the logits that gives the least cross-entropy; 1 without any rows.

    Args:
        logits: shape (examples, classes).
        labels: positions of classes, shape (examples,).
        largest: factor that is considered.
    """
    if len(labels) == 0:
        return 1.0
    found = minimize_scalar(
        lambda power: cross_entropy(np.exp(power) * logits, labels).mean(),
        bounds=(-np.log(LARGEST_SCALE), np.log(largest)),
        method="bounded",
    )
    return float(np.exp(found.x))


def softened_losses(probabilities: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """The loss of each example in nats, once a model that is too sure is no longer so.

    Its logits are scaled down to suit all examples best. Those of a model that is not sure enough
    stay as they are.

    Args:
        probabilities: as the model gives them, shape (examples, classes).
        labels: positions of classes, shape (examples,).

    >>> sure = [[0.999, 0.001], [0.999, 0.001], [0.001, 0.999], [0.999, 0.001]]
    >>> softened_losses(sure, [0, 0, 1, 1]).round(2).tolist()  # right three times of four
    [0.29, 0.29, 0.29, 1.39]
    """
    logits = np.log(np.maximum(np.asarray(probabilities, dtype=float), LEAST_PROBABILITY))
    places = np.asarray(labels, dtype=np.int64)
    plain = cross_entropy(logits, places)
    softened = cross_entropy(best_scale(logits, places, largest=1.0) * logits, places)
    return min(plain, softened, key=np.mean)


def cross_entropy(logits: Matrix, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of each row, in nats. Logits (examples, classes), labels (examples,)."""
    found: NDArray[np.float64] = -log_softmax(logits, axis=1)[np.arange(len(labels)), labels]
    return found
