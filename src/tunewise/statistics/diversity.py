"""How much the texts written for one question, or for all, differ from each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from tunewise.statistics.squad import f1, normalized


def distinct(texts: Sequence[str], n: int) -> float | None:
    """Different n-grams over all n-grams of the texts together; None where there are none.

    It falls as there are more texts, so only equally many texts may be compared.

    Source: Li et al. 2016, A Diversity-Promoting Objective Function, arXiv:1510.03055.

    >>> distinct(["the red house", "the red car"], 1), distinct(["red car", "red car"], 2)
    (0.666..., 0.5)
    """
    found = [
        tuple(words[at : at + n])
        for words in (text.lower().split() for text in texts)
        for at in range(len(words) - n + 1)
    ]
    return len(set(found)) / len(found) if found else None


def unique_fraction(samples: Sequence[str]) -> float:
    """Different answers over all answers to one question, compared as SQuAD does.

    >>> unique_fraction(["the car", "Car", "a house", "house."])
    0.5
    """
    return len({normalized(sample) for sample in samples}) / len(samples)


def self_f1(samples: Sequence[str]) -> float | None:
    """The mean F1 between two answers to one question: 1 where all say the same.

    None for a single answer.

    >>> self_f1(["red car", "red house", "red car"])
    0.666...
    """
    pairs = list(combinations(samples, 2))
    if not pairs:
        return None
    return sum(f1(one, [other]) for one, other in pairs) / len(pairs)
