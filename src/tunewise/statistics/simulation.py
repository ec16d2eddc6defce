"""Studies made of dice, whose truth is known: what the statistics are calibrated with.

A run answers an item rightly where

    mu + item + kind * method_item + seed * method_seed + noise > 0,

all terms standard normal times their size. `item` is shared by everybody (some items are
hard), `method_item` by the runs of one method (methods err on different items), `method_seed`
by the items of one run (some seeds are lucky).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from tunewise.statistics.metrics import Numbers
from tunewise.statistics.score_matrix import RowScores


@dataclass(frozen=True)
class World:
    """How large each cause of a right answer is, in units of the noise."""

    items: int = 500
    classes: int = 3
    item: float = 1.5
    method_item: float = 0.3
    seed: float = 0.1

    def accuracy_of(self, mu: float) -> float:
        """The accuracy of a method over all seeds and items."""
        spread = math.sqrt(1 + self.item**2 + self.method_item**2 + self.seed**2)
        return float(special.ndtr(mu / spread))

    def mu_for(self, accuracy: float) -> float:
        """The opposite of `accuracy_of`."""
        spread = math.sqrt(1 + self.item**2 + self.method_item**2 + self.seed**2)
        return float(special.ndtri(accuracy)) * spread


@dataclass(frozen=True)
class Simulated:
    """Rows, and what is true of them.

    `method_truth` is the accuracy of each method over all seeds and items, `model_truth` that
    of its trained models over all items, averaged over its seeds; both shape (rows,). Errors
    and labels are spread evenly over the classes, so macro F1 has the same true values.
    """

    rows: list[RowScores]
    method_truth: Numbers
    model_truth: Numbers


def simulate(
    world: World,
    accuracies: Sequence[float],
    seeds: Sequence[Sequence[int]],
    *,
    rng: np.random.Generator,
) -> Simulated:
    """One study: a row for each accuracy, with its list of seeds."""
    labels = rng.integers(0, world.classes, world.items)
    ids = [str(number) for number in range(world.items)]
    hardness = world.item * rng.standard_normal(world.items)
    left = math.sqrt(1 + world.item**2 + world.method_item**2)  # what items and noise spread
    rows, model_truth = [], []
    for number, (accuracy, own_seeds) in enumerate(zip(accuracies, seeds, strict=True)):
        kind = hardness + world.method_item * rng.standard_normal(world.items)
        luck = world.seed * rng.standard_normal(len(own_seeds)) + world.mu_for(accuracy)
        noise = rng.standard_normal((len(own_seeds), world.items))
        right = luck[:, None] + kind + noise > 0
        other = (labels + rng.integers(1, world.classes, right.shape)) % world.classes
        choices = dict(zip(own_seeds, np.where(right, labels, other), strict=True))
        rows.append(RowScores(f"row {number}", ids, labels, choices))
        model_truth.append(float(special.ndtr(luck / left).mean()))
    return Simulated(rows, np.array(accuracies, dtype=np.float64), np.array(model_truth))
