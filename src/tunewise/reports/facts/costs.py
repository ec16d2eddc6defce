"""What each contender costs, next to what it scores, and which of them nobody beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tunewise.reports.facts.evidence import Contender, Evidence
from tunewise.reports.facts.results import Results, Row
from tunewise.statistics.metrics import METRICS


@dataclass(frozen=True)
class Cost:
    """A row's costs. `more_bytes` holds what else a trial measured, such as reserved memory."""

    row: Row
    more_bytes: dict[str, int] = field(default_factory=dict)

    @property
    def reduction(self) -> float | None:
        """How many numbers stand for each trained one: total / trainable."""
        counted = self.row.parameters
        return counted.total / counted.trainable if counted and counted.trainable else None


def costs_of(evidence: Evidence, results: Results) -> list[Cost]:
    """The costs of every row, in the order of the results."""
    by_name = {contender.name: contender for contender in evidence.contenders}
    return [Cost(row, _more_bytes(by_name[row.name])) for row in results.rows]


def _more_bytes(contender: Contender) -> dict[str, int]:
    """The most that any seed needed, of every other number of bytes it wrote down."""
    most: dict[str, int] = {}
    for trial in contender.finished:
        for name, value in trial.record.costs.bytes.others.items():
            most[name] = max(value, most.get(name, 0))
    return most


@dataclass(frozen=True)
class Placed:
    """A row as a point: its cost, its score, and whether no other row beats it in both."""

    row: Row
    cost: float
    score: float
    front: bool


def placed(results: Results, cost: str) -> list[Placed]:
    """The rows that have both a score and that cost (`parameters`, `memory` or `time`)."""
    points = [
        (row, value, spread.mean)
        for row in results.rows
        if (value := _cost(row, cost)) and (spread := row.scores(results.split).get(results.metric))
    ]
    sign = 1.0 if METRICS[results.metric].higher_is_better else -1.0
    front = pareto([(value, sign * score) for _, value, score in points])
    return [
        Placed(row, value, score, on) for (row, value, score), on in zip(points, front, strict=True)
    ]


def pareto(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Whether each (cost, quality) is beaten by none: no other is as good for less, or better for
    as much.

    >>> pareto([(1, 0.5), (2, 0.7), (3, 0.6), (2, 0.7)])
    [True, True, False, True]
    """
    return [
        not any(
            (other <= cost and better >= quality) and (other < cost or better > quality)
            for other, better in points
        )
        for cost, quality in points
    ]


def _cost(row: Row, cost: str) -> float | None:
    match cost:
        case "parameters":
            return row.parameters.trainable if row.parameters else None
        case "memory":
            return row.measured.peak_bytes
    return row.measured.seconds
