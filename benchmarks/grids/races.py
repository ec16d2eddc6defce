"""What a thousand races over one recording give, beside the full grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from grids.replayed import LARGE, Draw, Raced, Recorded, draw, full_grid, judged, null_draw, race
from scipy import stats

COPIES = 3
LEAST_AGREEMENT, MOST_COST, MOST_WRONG = 0.95, 0.3, 0.05
HEAD = (
    f"{'':38}{'agree':>7}{'same':>7}{'lost':>12}{'best dropped':>14}{'cost':>7}"
    f"{'predicted':>11}{'seeds':>7}{'ended':>9}"
)


@dataclass(frozen=True)
class Told:
    """Fractions of races but for `lost`, mean and worst in points, and `seeds`, a mean."""

    agree: float
    same: float
    lost: float
    most_lost: float
    best_dropped: float
    cost: float
    predicted: float
    seeds: float
    decided: float

    def line(self, name: str) -> str:
        lost = f"{100 * self.lost:.2f}/{100 * self.most_lost:.1f}"
        return (
            f"{name:<38}{self.agree:>7.1%}{self.same:>7.0%}{lost:>12}{self.best_dropped:>14.1%}"
            f"{self.cost:>7.1%}{self.predicted:>11.1%}{self.seeds:>7.1f}{self.decided:>9.0%}"
        )

    def misses(self, races: int) -> bool:
        return (
            1 - self.agree > at_most(1 - LEAST_AGREEMENT, races)
            or self.cost > MOST_COST
            or self.best_dropped > at_most(MOST_WRONG, races)
        )


def raced(source: Recorded, races: int, budget: float = LARGE) -> Told:
    """Race so many draws under a budget in predicted seconds."""
    found = [_beside_the_grid(draw(source, number, budget=budget)) for number in range(races)]
    worst = max(one.lost for one in found)
    mean = {
        name: float(np.mean([getattr(one, name) for one in found]))
        for name in Told.__dataclass_fields__
        if name != "most_lost"
    }
    return Told(**mean, most_lost=worst)


def _beside_the_grid(world: Draw) -> Told:
    ours, grid = race(world), full_grid(world)
    best, theirs = str(judged(ours.rows).best), judged(grid.rows)
    level = {str(theirs.best), *theirs.tied, *theirs.not_shown}
    truth = max(grid.points, key=lambda name: world.recorded.best(name, "validation"))
    lost = _truth(world, grid.points, str(theirs.best)) - _truth(world, ours.points, best)
    seeds = [len(each) for name, each in ours.race.seeds.items() if _varies(world, name)]
    return Told(
        agree=best in level,
        same=best == theirs.best,
        lost=lost,
        most_lost=lost,
        best_dropped=truth in ours.race.dropped,
        cost=ours.seconds / grid.seconds,
        predicted=ours.predicted / grid.predicted,
        seeds=float(np.mean(seeds)),
        decided=ours.race.ended == "decided",
    )


def _truth(world: Draw, points: dict[str, int], name: str) -> float:
    """Test accuracy over all that was recorded, at the point that was chosen."""
    return world.recorded.score(name, points[name], "test")


def _varies(world: Draw, name: str) -> bool:
    return world.recorded.rows[name].seeded


def null_races(source: Recorded, races: int) -> float:
    """The fraction of races between copies that end in "different", a drop as behind included."""
    return float(
        np.mean([_tells_apart(race(null_draw(source, at, COPIES))) for at in range(races)])
    )


def _tells_apart(ended: Raced) -> bool:
    if ended.race.dropped:
        return True
    if len(ended.rows) < 2:
        return False
    return any(pair.outcome == "different" for pair in judged(ended.rows).pairs)


def at_most(fraction: float, races: int) -> float:
    """The most that a truth of this fraction gives in 99 of 100 runs of so many races."""
    return float(stats.binom.ppf(0.99, races, fraction)) / races
