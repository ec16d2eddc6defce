"""The contender to recommend within limits: the best that keeps them, or the nearest miss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewise.core.format import count, duration, listed, percent, size
from tunewise.core.sanitize import shown
from tunewise.reports.facts.results import Results, Row
from tunewise.reports.facts.verdict.enough import amount, upward_of
from tunewise.reports.facts.wording import metric_name

AT_MOST = ("memory", "artefact", "time", "parameters")


@dataclass(frozen=True)
class Miss:
    """A limit that a contender does not keep. `value` is None where it was not measured."""

    limit: str
    bound: float
    value: float | None

    @property
    def distance(self) -> float:
        """How far off, as the logarithm of a factor; infinite where nothing is known."""
        if self.value is None or min(self.value, self.bound) <= 0:
            return math.inf
        return abs(math.log(self.value / self.bound))


@dataclass(frozen=True)
class Recommendation:
    """What to take within the limits. `name` is None where no contender keeps them all."""

    limits: Mapping[str, float]
    name: str | None
    within: tuple[str, ...]  # every contender that keeps the limits, best first
    nearest: str | None  # where none does: fewest limits missed, then the smallest miss
    misses: tuple[Miss, ...]  # of the nearest; of the best where another is recommended
    says: str


def recommendation(limits: Mapping[str, Any] | None, results: Results) -> Recommendation | None:
    """The best scored contender within the limits; None where the study names no limits."""
    if not limits:
        return None
    scored = [row for row in results.rows if results.headline(row)]
    missed = {row.name: _misses(row, limits, results.split) for row in scored}
    within = [row for row in scored if not missed[row.name]]
    asked = listed([_bound(name, bound) for name, bound in limits.items()], most=9)
    if not scored:
        says = f"Within the limits ({asked}) nothing can be recommended yet."
        return Recommendation(dict(limits), None, (), None, (), says)
    if not within:
        order = {name: (len(own), max(one.distance for one in own)) for name, own in missed.items()}
        near = min(order, key=lambda name: order[name])
        says = (
            f"No contender keeps the limits ({asked}). Nearest is {shown(near)}, which misses "
            f"{_missed_words(missed[near])}."
        )
        return Recommendation(dict(limits), None, (), near, missed[near], says)
    best, chosen = scored[0], within[0]
    says = f"Within the limits ({asked}), {shown(chosen.name)} is the one to take"
    says += "." if results.finished else " so far."
    if chosen is not best:
        missing = _missed_words(missed[best.name])
        says += f" {shown(best.name)} {_lead(chosen, results)}, but misses {missing}."
    names = tuple(row.name for row in within)
    return Recommendation(dict(limits), chosen.name, names, None, missed[best.name], says)


def _lead(chosen: Row, results: Results) -> str:
    """How the best score compares with the chosen one's, and whether that is more than chance."""
    pair = chosen.to_best
    if pair is None:
        return "scores higher"
    lead = amount(results.metric, upward_of(results, pair))
    shown_so = "" if chosen.standing == "behind" else ", not shown to be more than chance"
    return f"scores {'higher' if results.higher_is_better else 'lower'} (by {lead}{shown_so})"


def _misses(row: Row, limits: Mapping[str, float], split: str) -> tuple[Miss, ...]:
    values = ((name, bound, _value(row, name, split)) for name, bound in limits.items())
    return tuple(
        Miss(name, bound, value)
        for name, bound, value in values
        if value is None or (value > bound if name in AT_MOST else value < bound)
    )


def _value(row: Row, name: str, split: str) -> float | None:
    match name:
        case "memory":
            return row.measured.peak_bytes
        case "artefact":
            return row.measured.artefact_bytes
        case "time":
            return row.measured.seconds
        case "parameters":  # what uses no network has no trainable parameters
            return row.trainable or 0
    spread = row.scores(split).get(name)
    return spread.mean if spread else None


def _bound(name: str, bound: float) -> str:
    return f"{_name(name)} at {'most' if name in AT_MOST else 'least'} {_amount(name, bound)}"


def _missed_words(misses: Sequence[Miss]) -> str:
    """Each limit that is missed, with the value that was measured."""
    return listed(
        [
            f"{_name(one.limit)} "
            f"({'not measured' if one.value is None else _amount(one.limit, one.value)})"
            for one in misses
        ],
        most=9,
    )


def _name(limit: str) -> str:
    words = {"parameters": "trainable parameters", "artefact": "artifact"}
    return words.get(limit, limit if limit in AT_MOST else metric_name(limit).lower())


def _amount(name: str, value: float) -> str:
    match name:
        case "memory" | "artefact":
            return size(int(value))
        case "time":
            return duration(value)
        case "parameters":
            return count(int(value))
    return f"{percent(value)} %"
