"""What a search tried: points with their scores, edges of a range, what may lie beyond, and what
each learning rate gave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any

import numpy as np

from tunewise.analysis.evidence import NOT_RUN, AtRung, Contender, Evidence, Point
from tunewise.analysis.wording import setting_name
from tunewise.core.canonical import Settings, canonical
from tunewise.statistics.metrics import METRICS, upward
from tunewise.statistics.tuning import ahead, expected_best

LOGARITHMIC = 1.5  # neighbours this far apart, as a factor, were meant as a geometric range
HIGHEST = {"dropout": 1.0, "warmup": 1.0}  # settings that are fractions
POINTS_FOR_A_CURVE = 3
RATE = "training.learning_rate"
ROUNDING = 1e-3  # of losses that are the same but for the precision of probabilities


@dataclass(frozen=True)
class Edge:
    """A chosen value that is the smallest or largest of those tried, and shown to be the best."""

    setting: str
    side: str  # "lowest" or "highest"
    value: float
    tried: tuple[float, ...]
    try_next: float


@dataclass(frozen=True)
class Tried:
    """One searched point: its values, its validation score, and whether it was chosen."""

    values: Settings
    score: float | None
    status: str
    chosen: bool
    edges: tuple[str, ...]  # settings of which better values may lie beyond this one, if chosen


def tried(contender: Contender, metric: str) -> list[Tried]:
    """Every point of the contender's search, best first, those without a score last."""
    ends = tuple(edge.setting for edge in edges(contender, metric))
    rows = [
        Tried(
            point.values,
            point.score(metric),
            point.status,
            point is contender.chosen,
            ends if point is contender.chosen else (),
        )
        for point in contender.points
    ]
    return sorted(rows, key=lambda row: (row.score is None, -upward(metric, row.score or 0.0)))


def edges(contender: Contender, metric: str) -> list[Edge]:
    """The settings whose best value is an end of an ordered range of two or more values.

    A direction needs evidence: the end must be ahead of every other value by more than chance,
    its neighbour must have a score, and what stands there must have learned something. Points
    that tie for the first place count alike, so that their order decides nothing.
    """
    # The points that share the best score.
    scores = [(score, p) for p in contender.points if (score := p.score(metric)) is not None]
    best = max((upward(metric, score) for score, _ in scores), default=None)
    leaders = [point for score, point in scores if upward(metric, score) == best]
    if contender.chosen is None or any(point.trials[0].learned_nothing for point in leaders):
        return []
    found = []
    for setting in contender.searched:
        values: list[Any] = [point.values.get(setting) for point in contender.points]
        ordered = sorted({value for value in values if type(value) in {int, float}})
        if any(type(value) not in {int, float} for value in values) or len(ordered) < 2:
            continue
        value, *others_first = {point.values[setting] for point in leaders}
        if others_first or value not in {ordered[0], ordered[-1]}:
            continue
        low = value == ordered[0]
        neighbour, end = (ordered[1], ordered[0]) if low else (ordered[-2], ordered[-1])
        others = [
            point
            for point in contender.points
            if point.values[setting] != value and point.score(metric) is not None
        ]
        if all(point.values[setting] != neighbour for point in others) or not all(
            _ahead(leader, other, metric) for leader in leaders for other in others
        ):
            continue
        beyond = _beyond(neighbour, end)
        if (low and beyond <= 0) or beyond >= HIGHEST.get(setting_name(setting), float("inf")):
            continue  # nothing lies beyond
        found.append(Edge(setting, "lowest" if low else "highest", end, tuple(ordered), beyond))
    return found


def learned_nothing(contender: Contender) -> bool:
    """Whether something was searched, and no point that ended well learned anything."""
    ended = [trial for point in contender.points for trial in point.trials[:1] if trial.done]
    searched = len(contender.points) > 1 and contender.chosen is not None
    return searched and all(trial.learned_nothing for trial in ended)


def _ahead(point: Point, other: Point, metric: str) -> bool:
    """By their answers on validation with the first seed; without answers nothing is shown."""
    ours, theirs = (one.answers("validation") for one in (point, other))
    if ours is None or theirs is None or ours.ids != theirs.ids:
        return False
    return ahead(metric, ours.columns, theirs.columns, rng=np.random.default_rng(0))


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


@dataclass(frozen=True)
class AtRate:
    """One rate, and how the validation split was answered after it, under the first seed."""

    rate: float
    status: str  # done, diverged, or how else it failed
    loss: float | None  # nats
    score: float | None  # by the headline metric
    chosen: bool
    step: int | None = None  # where it was compared with the others; None: after its training
    softened: bool = False  # the loss is that of logits scaled down, as they were too sure

    @property
    def diverged(self) -> bool:
        return self.status == "diverged"

    def value(self, quantity: str) -> float | None:
        """The loss, or the score by whatever metric."""
        return self.loss if quantity == "loss" else self.score


@dataclass(frozen=True)
class RateCurve:
    """Several rates of one contender, the lowest first, all else alike.

    Contenders whose rates the study file lists one by one make one curve, in the color of the
    first.
    """

    name: str
    position: int  # in the study; decides its color
    points: tuple[AtRate, ...]

    @property
    def tried(self) -> set[float]:
        """The rates that were trained with, to whatever end."""
        return {point.rate for point in self.points if point.status != NOT_RUN}


def rate_curves(evidence: Evidence) -> list[RateCurve]:
    """Every contender, or row of contenders, that was trained at two rates or more."""
    alike: dict[str, list[Contender]] = {}
    for one in evidence.contenders:
        key = one.name
        if RATE not in one.searched:  # what it is but for its rate
            training = {**one.training, "learning_rate": None}
            key = canonical([one.model, one.method, dict(one.settings), training])
        alike.setdefault(key, []).append(one)
    made = (_curve(group, evidence.headline) for group in alike.values())
    return [curve for curve in made if len(curve.tried) > 1]


def _is_softened(one: AtRung) -> bool:
    """Whether rates were compared by another loss than the plain one, rounding apart."""
    compared, plain = one.loss, one.record.metric("loss")
    if compared is None or plain is None:
        return False
    return not isclose(compared, plain, rel_tol=ROUNDING)


def _curve(group: Sequence[Contender], metric: str) -> RateCurve:
    first, *_ = group
    if first.rungs:  # all rates at the first comparison, which each of them came to
        step = min(one.step for one in first.rungs)
        found = [
            AtRate(
                one.rate,
                one.record.status,
                one.loss,
                one.record.metric(metric),
                chosen=one.rate == first.learning_rate,
                step=step,
                softened=_is_softened(one),
            )
            for one in first.rungs
            if one.step == step
        ]
        return RateCurve(first.name, first.position, tuple(found))
    found = [
        AtRate(
            rate,
            point.status,
            point.score("loss"),
            point.score(metric),
            chosen=RATE in one.searched and point is one.chosen,
        )
        for one in group
        for point in one.points  # that differ from the one that counts in the rate alone
        if {**point.values, RATE: None} == {**one.centre.values, RATE: None}
        if isinstance(rate := point.settings.training.get("learning_rate"), (int, float))
    ]
    words = [one.name.split(" ") for one in group]
    common = [word for word in words[0] if all(word in other for other in words)]
    name = " ".join(common) or first.name
    return RateCurve(name, first.position, tuple(sorted(found, key=lambda point: point.rate)))
