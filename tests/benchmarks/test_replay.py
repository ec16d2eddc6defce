"""The replay of a race over an invented grid: every contender, rate and seed is known."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
if str(BENCHMARKS) not in sys.path:
    sys.path.append(str(BENCHMARKS))

from grids.races import null_races, raced  # noqa: E402
from grids.recording import SPLITS, Grid, GridHeader, GridTrial, read_grid, write_grid  # noqa: E402
from grids.replayed import Recorded, draw, full_grid, null_draw, race  # noqa: E402

from tunewise.store.records import (  # noqa: E402
    ContenderRecord,
    DataRecord,
    ParameterCounts,
    PointRecord,
    PriceRecord,
    RateSearch,
    StudyRecord,
)

ACCURACY = {"lora": 0.8, "full": 0.78, "bitfit": 0.4}  # at the best of five rates
RATES, SEEDS, COPIES, RUNGS = 5, 3, 6, (20, 60)
SIZES = {"validation": 120, "test": 200}


def contender(name: str, points: int, seeded: bool = True) -> ContenderRecord:
    places = tuple(PointRecord(identity={"contender": name, "point": n}) for n in range(points))
    search = RateSearch(points // 2, points // 2, RUNGS) if seeded else None
    counts = ParameterCounts(1000, 10 * len(name))
    return ContenderRecord(name, seeded=seeded, points=places, rates=search, parameters=counts)


@pytest.fixture(scope="module")
def grid() -> Grid:
    rng = np.random.default_rng(0)
    ease = {split: rng.random(size) for split, size in SIZES.items()}
    trials: list[GridTrial] = []
    choices: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    losses = []

    def add(name: str, point: int, seed: int, truth: float, searched: bool = True) -> None:
        truth += 0.01 * rng.standard_normal() * searched
        for split in SPLITS:
            choices[split].append((ease[split] < truth).astype(np.int8))
        scores = {split: {"accuracy": float(choices[split][-1].mean())} for split in SPLITS}
        scores["validation"]["loss"] = 1 - truth
        seconds = {"20": 4.0, "60": 10.0, "whole": 30.0} if searched else {"whole": 2.0}
        trials.append(GridTrial(name, point, seed, "done", 180, {**seconds, "test": 1.0}, scores))
        falling = np.array([[1.5], [1.2]]) - truth + 0.05 * rng.random((2, SIZES["validation"]))
        losses.append(falling if searched else np.full_like(falling, np.nan))

    for seed in range(SEEDS):
        for name, best in ACCURACY.items():
            for point in range(RATES):
                add(name, point, seed, best - 0.08 * abs(point - RATES // 2))
    add("head", 0, 0, 0.5, searched=False)
    for seed in range(SEEDS, SEEDS + COPIES):
        add("lora", RATES // 2, seed, ACCURACY["lora"])
    study = StudyRecord(
        "invented",
        seeds=tuple(range(SEEDS)),
        metrics=("accuracy",),
        contenders=(*(contender(name, RATES) for name in ACCURACY), contender("head", 1, False)),
        data=DataRecord(has_test=True, rows=SIZES),
    )
    prices = {row.name: PriceRecord(0.15, 2.0, (180,), 1.0) for row in study.contenders}
    return Grid(
        GridHeader(study, prices, 20.0, tuple(trials)),
        {split: np.ones(size, np.int8) for split, size in SIZES.items()},
        {split: np.array(found, np.int8) for split, found in choices.items()},
        np.array(losses, np.float16),
    )


def test_a_grid_is_read_as_it_was_written(grid: Grid, tmp_path: Path) -> None:
    write_grid(tmp_path, "invented", grid)
    again = read_grid(tmp_path, "invented")
    assert again.header == grid.header
    assert again.trials[3].seconds == grid.trials[3].seconds
    np.testing.assert_array_equal(again.losses, grid.losses)
    for split in SPLITS:
        np.testing.assert_array_equal(again.choices[split], grid.choices[split])


def test_a_race_takes_the_search_of_one_seed_and_drops_who_is_far_behind(grid: Grid) -> None:
    world = draw(Recorded(grid), 0)
    ended = race(world)
    assert set(ended.race.dropped) >= {"bitfit"}
    assert ended.points["lora"] == ended.points["full"] == RATES // 2
    whole = full_grid(world)
    assert whole.points["lora"] == RATES // 2
    trained = len(ACCURACY) * RATES * SEEDS
    assert whole.seconds == trained * 30.0 + 2.0 + len(ACCURACY) * SEEDS + 1.0
    search = 3 * (3 * 4.0 + 10.0 + 30.0)  # three stop at the first rung, one at the second
    seeds = sum(30.0 * (len(ended.race.seeds[name]) - 1) for name in ACCURACY)
    tested = [row for row in ended.rows if row.name in ACCURACY]
    assert ended.seconds == search + 2.0 + seeds + sum(len(row.seeds) for row in tested) + 1.0


def test_a_smaller_budget_costs_less(grid: Grid) -> None:
    source = Recorded(grid)
    roomy, tight = race(draw(source, 1)), race(draw(source, 1, budget=100.0))
    assert tight.race.ended == "budget"
    assert tight.predicted < roomy.predicted


def test_what_did_not_reach_a_rung_has_diverged_there(grid: Grid) -> None:
    losses = grid.losses.copy()
    lost = [trial.key for trial in grid.trials].index(("lora", 0, 0))
    losses[lost, 0] = np.nan
    world = draw(Recorded(replace(grid, losses=losses)), 0)
    ids = {key: id for id, key in world.keys.items()}
    assert world.record(f"{ids['lora', 0, 0]}@20").status == "diverged"
    assert world.record(f"{ids['lora', 1, 0]}@20").status == "done"


def test_copies_share_no_training(grid: Grid) -> None:
    world = null_draw(Recorded(grid), 0, 3)
    assert len(set(world.keys.values())) == len(world.keys) == SEEDS + COPIES
    assert {key[:2] for key in world.keys.values()} == {("lora", RATES // 2)}


def test_a_few_races_agree_with_the_grid(grid: Grid) -> None:
    source = Recorded(grid)
    found = raced(source, 4)
    assert found.agree == 1.0 and found.best_dropped == 0.0
    assert found.cost < 0.3
    assert null_races(source, 4) <= 0.5
