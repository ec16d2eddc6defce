"""Whether the words of the texts tell a column's values: what makes one the likely label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tunewise.data.audit.near_duplicates import plain

MOST_ROWS = 2000  # that are looked at, spread evenly over all
MOST_WORDS = 100  # of each text
MOST_CLASSES = 30  # the commonest ones


def predictability(texts: Sequence[str], labels: Sequence[str]) -> float:
    """How much better than guessing the words of unseen texts tell their labels.

    Naive Bayes over the words that occur, fitted on every second text and asked for the others,
    and the reverse. 0 is guessing and 1 is always right: balanced accuracy, set against its value
    by chance. Texts that repeat an earlier one are left out.

    >>> predictability(["good film", "bad film"] * 9, ["+", "-"] * 9)
    0.0
    >>> predictability([f"{word} film {n}" for n in range(9) for word in ("good", "bad")],
    ...                ["+", "-"] * 9)
    1.0
    """
    classes = [name for name, count in Counter(labels).most_common(MOST_CLASSES) if count > 1]
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
    for half in (0, 1):
        fitted = np.zeros((len(vocabulary), len(classes)))
        seen = np.full(len(classes), 1.0)
        for at in range(half, len(chosen), 2):
            fitted[words[at], truth[at]] += 1
            seen[truth[at]] += 1
        weights = np.log((fitted + 0.5) / seen)
        for at in range(1 - half, len(chosen), 2):
            answers[at] = int(np.argmax(weights[words[at]].sum(axis=0) + np.log(seen)))
    present = np.unique(truth)
    if len(present) < 2:
        return 0.0
    recall = np.mean([np.mean(answers[truth == label] == label) for label in present])
    chance = 1 / len(present)
    return max(0.0, float((recall - chance) / (1 - chance)))


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
