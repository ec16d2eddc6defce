"""What a search tried: points with their scores, edges of a range, and what may lie beyond."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewise.reports.evidence import Contender, Point
from tunewise.statistics.metrics import METRICS
from tunewise.statistics.tuning import expected_best

LOGARITHMIC = 1.5  # neighbours this far apart, as a factor, were meant as a geometric range
HIGHEST = {"dropout": 1.0, "warmup": 1.0}  # settings that are fractions
POINTS_FOR_A_CURVE = 3


@dataclass(frozen=True)
class Edge:
    """A chosen value that is the smallest or largest of those tried."""

    setting: str
    side: str  # "lowest" or "highest"
    value: float
    tried: tuple[float, ...]
    try_next: float


@dataclass(frozen=True)
class Tried:
    """One searched point: its values, its validation score, and whether it was chosen."""

    values: dict[str, Any]
    score: float | None
    status: str
    chosen: bool
    edges: tuple[str, ...]  # settings whose value here is an end of the range, if chosen


def tried(contender: Contender, metric: str) -> list[Tried]:
    """Every point of the contender's search, best first, those without a score last."""
    ends = tuple(edge.setting for edge in edges(contender))
    rows = [
        Tried(
            point.values,
            point.score(metric),
            point.trials[0].record.status if point.trials else "not run",
            point is contender.chosen,
            ends if point is contender.chosen else (),
        )
        for point in contender.points
    ]
    sign = 1.0 if METRICS[metric].higher_is_better else -1.0
    return sorted(rows, key=lambda row: (row.score is None, -sign * (row.score or 0.0)))


def edges(contender: Contender) -> list[Edge]:
    """The settings whose chosen value is an end of an ordered range of two or more values."""
    chosen = contender.chosen
    if chosen is None:
        return []
    found = (_edge(contender.points, chosen, setting) for setting in contender.searched)
    return [edge for edge in found if edge is not None]


def _edge(points: tuple[Point, ...], chosen: Point, setting: str) -> Edge | None:
    values = [point.values.get(setting) for point in points]
    numbers = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
    ordered = sorted(set(numbers))
    if len(numbers) < len(values) or len(ordered) < 2:
        return None
    value = chosen.values[setting]
    if value not in {ordered[0], ordered[-1]}:
        return None
    low = value == ordered[0]
    beyond = _beyond(*((ordered[1], ordered[0]) if low else (ordered[-2], ordered[-1])))
    name = setting.rpartition(".")[2]
    if (low and beyond <= 0) or beyond >= HIGHEST.get(name, float("inf")):
        return None  # nothing lies beyond
    return Edge(setting, "lowest" if low else "highest", value, tuple(ordered), beyond)


def _beyond(inner: float, end: float) -> float:
    """One more step in the direction of the end, of the same kind as the last.

    >>> _beyond(5e-4, 1e-3), _beyond(7, 9), _beyond(3e-4, 1e-4), _beyond(0.1, 0)
    (0.002, 11, 3.3e-05, -0.1)
    """
    whole = isinstance(inner, int) and isinstance(end, int)
    if inner > 0 and end > 0 and max(inner / end, end / inner) >= LOGARITHMIC:
        return max(1, end * end // inner) if whole else float(f"{end * end / inner:.2g}")
    return 2 * end - inner if whole else float(f"{2 * end - inner:.4g}")


def best_of(contender: Contender, metric: str) -> list[float]:
    """The score to expect from the best of 1, 2, ... of its points; empty below three points."""
    scores = [score for point in contender.points if (score := point.score(metric)) is not None]
    if len(scores) < POINTS_FOR_A_CURVE or not np.isfinite(scores).all():
        return []
    better = METRICS[metric].higher_is_better
    return [float(value) for value in expected_best(scores, higher_is_better=better)]
