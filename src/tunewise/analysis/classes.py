"""Scores of each class, and which class is taken for which, over all seeds of a contender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunewise.analysis.evidence import Evidence
from tunewise.statistics.metrics import Columns, class_scores

MOST_CLASSES = 14  # more cannot be read in one table or one matrix


@dataclass(frozen=True)
class ClassScore:
    """Means over seeds, as fractions; None where a seed has none. `support` counts examples."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class ByClass:
    """A contender class by class. `confusion[right][chosen]` counts answers over all seeds."""

    name: str
    position: int
    scores: tuple[ClassScore, ...]
    confusion: NDArray[np.int64]

    def errors(self) -> list[tuple[int, int, int]]:
        """Right class, chosen class and how often, the most frequent error first."""
        wrong = self.confusion.copy()
        np.fill_diagonal(wrong, 0)
        found = [(int(r), int(c), int(wrong[r, c])) for r, c in np.argwhere(wrong)]
        return sorted(found, key=lambda one: -one[2])


def by_class(evidence: Evidence) -> list[ByClass]:
    """Every contender that chose among few enough classes, on the deciding split."""
    number = len(evidence.labels)
    if not 0 < number <= MOST_CLASSES:
        return []
    found = []
    for contender, runs in evidence.answered:
        confusion = np.zeros((number, number), dtype=np.int64)
        for run in runs:
            np.add.at(confusion, (run.labels, run.choices), 1)
        scores = [class_scores(Columns(run.labels, run.choices), number) for run in runs]
        means = tuple(
            ClassScore(
                precision=_mean([one[place].precision for one in scores]),
                recall=_mean([one[place].recall for one in scores]),
                f1=_mean([one[place].f1 for one in scores]),
                support=scores[0][place].support,
            )
            for place in range(number)
        )
        found.append(ByClass(contender.name, contender.position, means, confusion))
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None
