"""Whether the words of the texts tell a column's values: what makes one the likely label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tunewise.data.audit.near_duplicates import plain

MOST_ROWS = 2000  # that are looked at, spread evenly over all
MOST_WORDS = 100  # of each text
MOST_CLASSES = 30  # the commonest ones
LEAST_OF_COMMONEST = 0.05  # rows of a class that counts: less are slips of spelling, not classes
SMOOTHING = 0.5  # texts that every word is taken to have been seen in besides


def predictability(texts: Sequence[str], labels: Sequence[str]) -> float:
    """How much better than guessing the words of unseen texts tell their labels.

    Complement naive Bayes over the words that occur, which holds where classes are uneven, fitted
    on every second text of each class and asked for the others, and the reverse. 0 is guessing and
    1 is always right: balanced accuracy, set against its value by chance. Texts that repeat an
    earlier one are left out, as are words that were not seen where it was fitted.

    Source: Rennie et al. 2003, "Tackling the poor assumptions of naive Bayes text classifiers".

    >>> predictability(["good film", "bad film"] * 9, ["+", "-"] * 9)
    0.0
    >>> predictability([f"{word} film {n}" for n in range(9) for word in ("good", "bad")],
    ...                ["+", "-"] * 9)
    1.0
    """
    commonest = Counter(labels).most_common(MOST_CLASSES)
    least = max(2, LEAST_OF_COMMONEST * commonest[0][1]) if commonest else 2
    classes = [name for name, count in commonest if count >= least]
    chosen = _spread(texts, labels, classes)
    if len(chosen) < 4 or len(classes) < 2:
        return 0.0
    vocabulary: dict[str, int] = {}
    words = [
        np.array(
            sorted({vocabulary.setdefault(word, len(vocabulary)) for word in key[:MOST_WORDS]}),
            dtype=np.int64,
        )
        for key, _ in chosen
    ]
    truth = np.array([label for _, label in chosen])
    answers = np.empty_like(truth)
    second = _every_second(truth)
    for fitted_on, asked in ((~second, second), (second, ~second)):
        counts = np.zeros((len(vocabulary), len(classes)))
        for at in np.flatnonzero(fitted_on):
            counts[words[at], truth[at]] += 1
        weights = _complement(counts)
        for at in np.flatnonzero(asked):
            answers[at] = int(np.argmax(weights[words[at]].sum(axis=0)))
    present = np.unique(truth)
    if len(present) < 2:
        return 0.0
    recall = np.mean([np.mean(answers[truth == label] == label) for label in present])
    chance = 1 / len(present)
    return max(0.0, float((recall - chance) / (1 - chance)))


def _every_second(truth: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Every second row of each class: classes that take turns must not fall into one half each."""
    second = np.zeros(len(truth), dtype=bool)
    for label in np.unique(truth):
        second[np.flatnonzero(truth == label)[1::2]] = True
    return second


def _complement(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each word says for each class (words, classes), by how rare it is in all the others."""
    others = counts.sum(axis=1, keepdims=True) - counts
    known = counts.any(axis=1, keepdims=True)
    smoothed = others + SMOOTHING
    return np.where(known, -np.log(smoothed / smoothed.sum(axis=0, where=known)), 0.0)


def _spread(
    texts: Sequence[str], labels: Sequence[str], classes: Sequence[str]
) -> list[tuple[list[str], int]]:
    """The words and the class of some rows, each text once."""
    places = {name: at for at, name in enumerate(classes)}
    step = max(1, len(texts) // MOST_ROWS)
    seen: set[str] = set()
    chosen = []
    for text, label in zip(texts[::step], labels[::step], strict=True):
        key = plain(text)
        if label in places and key and key not in seen:
            seen.add(key)
            chosen.append((key.split(), places[label]))
    return chosen
