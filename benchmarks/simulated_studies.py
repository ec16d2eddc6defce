"""Studies made of dice, whose truth is known, and how often the verdicts on them are wrong.

A run answers an item rightly where

    mu + item + kind * method_item + seed * method_seed + noise > 0,

all terms standard normal times their size. `example` is shared by everybody (some items are
hard), `method_example` by the runs of one method (methods err on different items), `method_seed`
by the items of one run (some seeds are lucky). That luck may be wider for one method than for
another, have heavy tails, and be shared by the methods that run with the same seed.

Each `Line` is a kind of study; `measure` sends many of them through `compare` and counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import optimize, special

from tunewise.statistics.comparison import Comparison, compare
from tunewise.statistics.metrics import FloatArray
from tunewise.statistics.score_matrix import RowScores

VERDICT = "equal rows called different"
QUANTILES = 2_000  # by which luck with heavy tails is averaged
RESAMPLES = 1_000  # per study; the noise of the bootstrap is small against that of the study


@dataclass(frozen=True)
class World:
    """How large each cause of a right answer is, in units of the noise."""

    examples: int = 500
    classes: int = 3
    example: float = 1.5
    method_example: float = 0.3
    seed: float = 0.1
    tail: float | None = None  # luck follows Student's t with so many degrees of freedom
    shared: float = 0.0  # part of the luck's variance that all methods of a seed have in common

    @property
    def left(self) -> float:
        """What items and noise spread, for given seeds."""
        return math.sqrt(1 + self.example**2 + self.method_example**2)

    def accuracy_of(self, mu: float, factor: float = 1.0) -> float:
        """Over all seeds and items, of a method whose luck is `factor` times as wide."""
        if self.tail is None:
            return float(special.ndtr(mu / math.hypot(self.left, factor * self.seed)))
        part = (np.arange(QUANTILES) + 0.5) / QUANTILES
        luck = factor * self.seed * special.stdtrit(self.tail, part) / self._unit
        return float(special.ndtr((mu + luck) / self.left).mean())

    def mu_for(self, accuracy: float, factor: float = 1.0) -> float:
        """The opposite of `accuracy_of`."""
        if self.tail is None:
            return float(special.ndtri(accuracy)) * math.hypot(self.left, factor * self.seed)
        edge = 10 * self.left
        return float(
            optimize.brentq(lambda mu: self.accuracy_of(mu, factor) - accuracy, -edge, edge)
        )

    def luck(self, seeds: int, rng: np.random.Generator) -> FloatArray:
        """Of so many seeds, with standard deviation 1."""
        if self.tail is None:
            return rng.standard_normal(seeds)
        return rng.standard_t(self.tail, seeds) / self._unit

    @property
    def _unit(self) -> float:
        """The standard deviation of Student's t."""
        assert self.tail is not None
        return math.sqrt(self.tail / (self.tail - 2))


@dataclass(frozen=True)
class Simulated:
    """Rows, and what is true of them.

    `method_truth` is the accuracy of each method over all seeds and items, `model_truth` that
    of its trained models over all items, averaged over its seeds; both shape (rows,). Errors
    and labels are spread evenly over the classes, so macro F1 has the same true values.
    """

    rows: list[RowScores]
    method_truth: FloatArray
    model_truth: FloatArray


def simulate(
    world: World,
    accuracies: Sequence[float],
    seeds: Sequence[Sequence[int]],
    *,
    rng: np.random.Generator,
    factors: Sequence[float] = (),
) -> Simulated:
    """One study: a row for each accuracy, with its list of seeds.

    A row's luck is its factor times as wide as the world says; one of factor 0 has no randomness.
    """
    labels = rng.integers(0, world.classes, world.examples)
    ids = [str(number) for number in range(world.examples)]
    hardness = world.example * rng.standard_normal(world.examples)
    known = sorted({seed for own in seeds for seed in own})
    common = dict(zip(known, world.luck(len(known), rng), strict=True)) if world.shared else {}
    factors = factors or [1.0] * len(seeds)
    rows, model_truth = [], []
    for number, (accuracy, own_seeds, factor) in enumerate(
        zip(accuracies, seeds, factors, strict=True)
    ):
        kind = hardness + world.method_example * rng.standard_normal(world.examples)
        luck = world.luck(len(own_seeds), rng)
        if world.shared:
            both = [common[seed] for seed in own_seeds]
            luck = math.sqrt(1 - world.shared) * luck + math.sqrt(world.shared) * np.array(both)
        luck = factor * world.seed * luck + world.mu_for(accuracy, factor)
        noise = rng.standard_normal((len(own_seeds), world.examples))
        right = luck[:, None] + kind + noise > 0
        other = (labels + rng.integers(1, world.classes, right.shape)) % world.classes
        choices = dict(zip(own_seeds, np.where(right, labels, other), strict=True))
        rows.append(RowScores(f"row {number}", ids, labels, choices, seeded=factor > 0))
        model_truth.append(float(special.ndtr(luck / world.left).mean()))
    return Simulated(rows, np.array(accuracies, dtype=np.float64), np.array(model_truth))


@dataclass(frozen=True)
class Line:
    """Studies of one kind: equal rows, each with its seeds, scored by one metric."""

    name: str
    seeds: tuple[tuple[int, ...], ...]
    world: World = field(default_factory=World)
    metric: str = "accuracy"
    accuracy: float = 0.75
    start: int = 0  # of the random numbers

    def study(self, number: int, *, difference: float = 0.0) -> tuple[Simulated, Comparison]:
        """The study of that number and its comparison; the same each time.

        With a `difference` the first row is that much better than all others.
        """
        rng = np.random.default_rng([self.start, number])
        others = [self.accuracy - difference / 2] * (len(self.seeds) - 1)
        accuracies = [self.accuracy + difference / 2, *others]
        made = simulate(self.world, accuracies, self.seeds, rng=rng)
        return made, compare(made.rows, self.metric, rng=rng, resamples=RESAMPLES)


def _runs(count: int, rows: int = 2) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(range(count)) for _ in range(rows))


LINES = (
    Line("1 seed, accuracy", _runs(1), World(seed=0, examples=1000), start=1),
    Line("1 seed, macro F1", _runs(1), World(seed=0, examples=500), metric="f1_macro", start=2),
    Line("3 seeds, accuracy", _runs(3), start=3),
    Line("3 lucky seeds, accuracy", _runs(3), World(seed=0.4), start=4),
    Line("3 seeds that differ by items alone, accuracy", _runs(3), World(seed=0), start=5),
    Line("3 seeds, macro F1", _runs(3), metric="f1_macro", start=6),
    Line("5 seeds, accuracy", _runs(5), start=7),
    Line("5 and 5 other seeds, accuracy", ((0, 1, 2, 3, 4), (5, 6, 7, 8, 9)), start=8),
    Line("10 seeds, accuracy", _runs(10), start=9),
    Line("4 equal rows of 3 seeds, accuracy", _runs(3, rows=4), start=10),
)


def measure(line: Line, *, studies: int) -> Iterator[tuple[str, float, tuple[float, float]]]:
    """Name, fraction, and the bounds of that fraction, for everything that line can show.

    A claim about the method is judged by what is true of the method; one about trained models
    by what is true of them. Luck of the seeds makes two equal methods' models truly different,
    so the items' tests are judged only where it is zero. A verdict needs both claims, so it is
    wrong at most as often as either: it has an upper bound alone.
    """
    counts: dict[str, list[bool]] = {}
    nominal: dict[str, float] = {}

    def note(name: str, wrong_or_covered: bool, should: float) -> None:
        counts.setdefault(name, []).append(wrong_or_covered)
        nominal[name] = should

    for number in range(studies):
        made, found = line.study(number)
        places = {row.name: place for place, row in enumerate(made.rows)}
        method_true, model_true = made.method_truth, made.model_truth
        # The last row of the study, not the best one: picking the best would bias its score.
        row = found.row(made.rows[-1].name)
        if row.items_interval is not None:
            inside = row.items_interval.low <= model_true[-1] <= row.items_interval.high
            note("interval of a row covers, items", inside, 0.95)
        if row.method_interval is not None:
            inside = row.method_interval.low <= method_true[-1] <= row.method_interval.high
            note("interval of a row covers, method", inside, 0.95)
        note(VERDICT, some_differ(found), 0.05)
        if len(made.rows) > 2:
            continue
        pair = found.pairs[0]
        gap = model_true[places[pair.row]] - model_true[places[pair.other]]
        if pair.items.interval is not None:
            inside = pair.items.interval.low <= gap <= pair.items.interval.high
            note("interval of a difference covers, items", inside, 0.95)
        if pair.items.p is not None and line.world.seed == 0:
            note("items' test rejects", pair.items.p < 0.05, 0.05)
        if pair.method.p is not None:
            note("methods' test rejects", pair.method.p < 0.05, 0.05)
        if pair.method.interval is not None:
            inside = pair.method.interval.low <= 0 <= pair.method.interval.high
            note("interval of a difference covers, method", inside, 0.95)
    for name, seen in counts.items():
        low, high = bounds_for(nominal[name], studies)
        yield name, float(np.mean(seen)), (0.0 if name == VERDICT else low, high)


def some_differ(found: Comparison) -> bool:
    """Whether a row is called different from the best: over the examples and over the seeds."""
    return len(found.tied) + len(found.not_shown) < len(found.rows)


def undecided_fraction(line: Line, *, studies: int, difference: float = 0.0) -> float:
    """The fraction of studies in which no row is called different from the best."""
    undecided = [
        not some_differ(line.study(number, difference=difference)[1]) for number in range(studies)
    ]
    return float(np.mean(undecided))


def detectable(line: Line, *, studies: int = 20) -> float:
    """The smallest difference that studies of this kind say they can detect, on average."""
    found = []
    for number in range(studies):
        pair = line.study(number)[1].pairs[0]
        if pair.deciding.detectable is not None:
            found.append(pair.deciding.detectable)
    return float(np.mean(found))


def bounds_for(fraction: float, studies: int) -> tuple[float, float]:
    """Where the counted fraction should lie when the true one is `fraction` (0.05 or 0.95).

    From 1,000 studies on these are the declared bounds: 3.6 to 6.4 % false positives, 93.5 to
    96.5 % coverage. For fewer they widen with the root.
    """
    half = (0.014 if fraction < 0.5 else 0.015) * math.sqrt(1000 / min(studies, 1000))
    return fraction - half, fraction + half
