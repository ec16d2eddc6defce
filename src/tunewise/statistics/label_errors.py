"""Which labels are probably wrong, by probabilities that their own examples did not teach.

Confident learning compares each example's probabilities with what the model is used to giving its
classes: a class counts as confidently present where its probability is at least the mean that it
gets on the examples labeled so. An example whose label is not the likeliest such class disagrees
with the model beyond the class's own level of doubt.

Source: Northcutt, Jiang and Chuang, Confident Learning, JAIR 70 (2021), arXiv:1911.00068, sections
3.1 and 3.2; what their cleanlab finds with ``filter_by="confident_learning"``, least probable
label first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ABLE = 0.75
"""The fraction of labels that a model has to agree with before its doubts are worth reading.

Of labels of which one in twenty is wrong, among five equally likely classes, about a third of those
that a calibrated model doubts are wrong where it agrees with three quarters of all, four fifths
where it agrees with nine tenths, and one in ten where it agrees with half.
"""
SLACK = 1e-6  # what rounding may take from a mean of equal probabilities


def class_thresholds(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> NDArray[np.float64]:
    """The mean probability of each class over the examples labeled so.

    Args:
        labels: position of each example's label, shape (examples,).
        probabilities: of each class, shape (examples, classes), from a model that was not trained
            on these examples; each row sums to one.

    Returns:
        Shape (classes,); infinite for a class that is no example's label, which nothing reaches.

    >>> class_thresholds(np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6]]))
    array([0.8, 0.6])
    """
    classes = probabilities.shape[1]
    support = np.bincount(labels, minlength=classes)
    own = np.bincount(labels, probabilities[np.arange(len(labels)), labels], minlength=classes)
    means = np.full(classes, np.inf)
    np.divide(own, support, out=means, where=support > 0)
    return means


def confident_classes(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> NDArray[np.int64]:
    """The likeliest class among those confidently present in each example; −1 where none is.

    Shapes as in `class_thresholds`; returns (examples,).

    >>> chances = np.array([[0.9, 0.1], [0.7, 0.3], [0.1, 0.9], [0.3, 0.7], [0.4, 0.6]])
    >>> confident_classes(np.array([0, 0, 0, 1, 1]), chances)
    array([ 0,  0,  1,  1, -1])
    """
    enough = probabilities >= class_thresholds(labels, probabilities) - SLACK
    likeliest = np.where(enough, probabilities, -1.0).argmax(axis=1)
    return np.where(enough.any(axis=1), likeliest, -1)


def likely_label_errors(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> NDArray[np.int64]:
    """Places of the examples whose label is probably wrong, the least probable label first.

    Those are the examples off the diagonal of the confident joint that the model answers
    otherwise than their label says. Shapes as in `class_thresholds`.

    Raises:
        ValueError: the two differ in length.

    >>> chances = np.array([[0.9, 0.1], [0.7, 0.3], [0.1, 0.9], [0.3, 0.7], [0.4, 0.6]])
    >>> likely_label_errors(np.array([0, 0, 0, 1, 1]), chances)
    array([2])
    """
    if len(labels) != len(probabilities):
        raise ValueError(f"{len(labels)} labels and {len(probabilities)} rows of probabilities")
    if not len(labels):
        return np.array([], dtype=np.int64)
    confident = confident_classes(labels, probabilities)
    answered = probabilities.argmax(axis=1)
    suspected = np.flatnonzero((confident >= 0) & (confident != labels) & (answered != labels))
    own = probabilities[suspected, labels[suspected]]
    return suspected[np.argsort(own, kind="stable")]
