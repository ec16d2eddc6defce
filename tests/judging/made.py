"""Predictions made of dice, as files and as columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMES = ("bad", "fine", "good")


def rows_of(
    right: NDArray[np.bool], labels: NDArray[np.int64], *, names: Sequence[str] = NAMES
) -> list[dict[str, Any]]:
    """A row for each example; a wrong answer is the next class."""
    chosen = np.where(right, labels, (labels + 1) % len(names))
    return [
        {"id": f"q{n}", "label": names[label], "prediction": names[choice]}
        for n, (label, choice) in enumerate(zip(labels.tolist(), chosen.tolist(), strict=True))
    ]


def write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def dice(
    examples: int, accuracy: float, rng: np.random.Generator, *, share: NDArray[np.float64]
) -> NDArray[np.bool]:
    """Right answers of a run; `share` makes examples hard for all."""
    return (0.6 * share + 0.4 * rng.random(examples)) < accuracy


def two_methods(folder: Path, *, examples: int = 200, seeds: int = 3) -> list[Path]:
    """``lora-seed0.jsonl`` and so on, with full a little better."""
    rng = np.random.default_rng(0)
    labels, share = rng.integers(0, 3, examples), rng.random(examples)
    return [
        write_lines(
            folder / f"{name}-seed{seed}.jsonl",
            rows_of(dice(examples, accuracy, rng, share=share), labels),
        )
        for name, accuracy in (("lora", 0.60), ("full", 0.64))
        for seed in range(seeds)
    ]
