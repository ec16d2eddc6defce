"""The contender to recommend within limits: the best that keeps them, or the nearest miss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewise.analysis.costs import COSTS
from tunewise.analysis.results import Results, Row
from tunewise.analysis.verdict.enough import amount, lead_of
from tunewise.analysis.wording import metric_name
from tunewise.core.format import listed, with_unit
from tunewise.core.sanitize import shown

NAMES = {"parameters": "trainable parameters", "artefact": "artifact"}


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
    missed = {row.name: _misses(row, limits, results) for row in scored}
    within = [row for row in scored if not missed[row.name]]
    asked = listed(
        [
            f"{_name(name)} at {'most' if name in COSTS else 'least'} {_amount(name, bound)}"
            for name, bound in limits.items()
        ],
        most=9,
    )
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
        # How the best score compares with the chosen one's, and whether that is more than chance.
        lead = "scores higher"
        if pair := chosen.to_best:
            by = amount(results.metric, lead_of(results, pair).difference)
            shown_so = "" if chosen.standing == "behind" else ", not shown to be more than chance"
            lead = f"scores {'higher' if results.higher_is_better else 'lower'} (by {by}{shown_so})"
        missing = _missed_words(missed[best.name])
        says += f" {shown(best.name)} {lead}, but misses {missing}."
    names = tuple(row.name for row in within)
    return Recommendation(dict(limits), chosen.name, names, None, missed[best.name], says)


def _misses(row: Row, limits: Mapping[str, float], results: Results) -> tuple[Miss, ...]:
    """What a row costs has an upper limit, a score of it a lower one."""
    missed = []
    for name, bound in limits.items():
        if name in COSTS:
            value = COSTS[name].of(row)
            if name == "parameters":  # what uses no network has no trainable ones
                value = value or 0
            kept = value is not None and value <= bound
        else:
            spread = row.scores(results.split).get(name)
            value = spread.mean if spread else None
            kept = value is not None and value >= bound
        if not kept:
            missed.append(Miss(name, bound, value))
    return tuple(missed)


def _missed_words(misses: Sequence[Miss]) -> str:
    """Each limit that is missed, with the value that was measured."""
    found = (
        ("not measured" if one.value is None else _amount(one.limit, one.value), one.limit)
        for one in misses
    )
    return listed([f"{_name(limit)} ({value})" for value, limit in found], most=9)


def _name(limit: str) -> str:
    return NAMES.get(limit, limit if limit in COSTS else metric_name(limit).lower())


def _amount(name: str, value: float) -> str:
    if name in COSTS:
        return COSTS[name].words(value)
    return with_unit(name, value)
