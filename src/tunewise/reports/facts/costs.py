"""What each contender costs, next to what it scores, and which of them nobody beats in both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tunewise.core.format import count, duration, size
from tunewise.reports.facts.evidence import Contender, Evidence
from tunewise.reports.facts.results import Results, Row
from tunewise.statistics.metrics import upward


@dataclass(frozen=True)
class Cost:
    """What a row costs in one quantity, and its amount as people read it."""

    of: Callable[[Row], float | None]
    words: Callable[[float], str]


COSTS = {
    "parameters": Cost(lambda row: row.trainable, lambda number: count(int(number))),
    "memory": Cost(lambda row: row.measured.peak_bytes, lambda number: size(int(number))),
    "time": Cost(lambda row: row.measured.seconds, duration),
    "artefact": Cost(lambda row: row.measured.artefact_bytes, lambda number: size(int(number))),
}


def has_costs(evidence: Evidence, results: Results) -> bool:
    """Whether anything is known of what rows cost: of runs made elsewhere, often nothing is."""
    known = any(row.parameters or row.measured.seconds is not None for row in results.rows)
    return known or evidence.study.elsewhere is None


def other_bytes(contender: Contender) -> dict[str, int]:
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
    """The rows that have both a score and that cost, a key of `COSTS`."""
    points = [
        (row, value, spread.mean)
        for row in results.rows
        if (value := COSTS[cost].of(row)) and (spread := results.headline(row))
    ]
    front = pareto([(value, upward(results.metric, score)) for _, value, score in points])
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
