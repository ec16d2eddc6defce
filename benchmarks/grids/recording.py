"""A full grid as it is kept: every contender at every rate with every seed, small enough for git.

One JSON file holds the study, what it was predicted to take, and how each training ended; the
arrays beside it hold what each answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewise.core.files import read_json, write_json
from tunewise.store.json_record import JSONRecord
from tunewise.store.records import PriceRecord, StudyRecord

SPLITS = ("validation", "test")
WHOLE, TEST = "whole", "test"  # parts of a trial whose seconds are kept, beside the steps of rungs


@dataclass(frozen=True)
class GridTrial(JSONRecord):
    """One training of a grid. `point` is its place among the contender's points.

    `seconds` are those from its beginning up to a rung, by the rung's step, of the whole training,
    and of its test. `diverged_at` are the rungs that it did not reach.
    """

    contender: str = ""
    point: int = 0
    seed: int = 0
    status: str = ""
    steps: int | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)  # by split

    @property
    def key(self) -> tuple[str, int, int]:
        return self.contender, self.point, self.seed


@dataclass(frozen=True)
class GridHeader(JSONRecord):
    """What is kept as JSON. The points of `study` are those that were recorded."""

    study: StudyRecord = field(default_factory=StudyRecord)
    prices: Mapping[str, PriceRecord] = field(default_factory=dict)
    around: float = 0.0  # seconds of the study apart from its trials
    trials: tuple[GridTrial, ...] = ()
    made_by: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Grid:
    """A recorded grid.

    Shapes:
        labels   by split, (examples,)
        choices  by split, (trials, examples); -1 where a trial answered nothing
        losses   (trials, rungs, examples) in nats, NaN where a rung was not reached
    """

    header: GridHeader
    labels: Mapping[str, NDArray[np.int8]]
    choices: Mapping[str, NDArray[np.int8]]
    losses: NDArray[np.float16]

    @property
    def study(self) -> StudyRecord:
        return self.header.study

    @property
    def trials(self) -> Sequence[GridTrial]:
        return self.header.trials


def grid_files(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.json", folder / f"{name}.npz"


def write_grid(folder: Path, name: str, grid: Grid) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    header, arrays = grid_files(folder, name)
    write_json(header, grid.header.as_json())
    columns: dict[str, Any] = {"losses": grid.losses}
    for split in SPLITS:
        columns[f"labels_{split}"] = grid.labels[split]
        columns[f"choices_{split}"] = grid.choices[split]
    np.savez_compressed(arrays, **columns)


def read_grid(folder: Path, name: str) -> Grid:
    header, arrays = grid_files(folder, name)
    with np.load(arrays, allow_pickle=False) as columns:
        return Grid(
            GridHeader.from_json(read_json(header)),
            {split: columns[f"labels_{split}"] for split in SPLITS},
            {split: columns[f"choices_{split}"] for split in SPLITS},
            columns["losses"],
        )


def recorded(folder: Path) -> list[str]:
    """The names of the grids that lie there whole."""
    return sorted(path.stem for path in folder.glob("*.json") if path.with_suffix(".npz").is_file())
