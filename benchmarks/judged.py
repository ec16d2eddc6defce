"""How often `tunewise judge` is wrong, on files of predictions whose truth is known.

    python benchmarks/judged.py             300 pairs of each kind; minutes
    python benchmarks/judged.py 1000

Two equal contenders answer 500 examples with one seed or three (`simulated_studies` makes them of
dice). Their answers are written as JSON Lines, a file for each seed, and the code of the command
reads, groups and judges them. Seeds are fixed, so two runs print the same.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from simulated_studies import Simulated, World, simulate

from tunewise.judging.asked import Asked
from tunewise.judging.judge import judge_files

ACCURACY, LEVEL = 0.75, 0.05
KINDS = {
    "one seed": ((0,), World(seed=0.0)),  # with luck of the seed, two checkpoints would differ
    "three seeds": ((0, 1, 2), World()),
}


@dataclass
class Counts:
    """Of so many pairs of equal contenders."""

    different: int = 0  # as a verdict calls them
    checkpoints: int = 0  # rejected over examples alone, on which one seed of each is equal
    methods: int = 0  # rejected over seeds and examples
    covered: int = 0  # intervals over examples that hold the true difference


def files_of(made: Simulated, folder: Path) -> list[Path]:
    """``row 0-seed2.jsonl`` and so on."""
    paths = []
    for row in made.rows:
        for seed, choices in row.choices.items():
            path = folder / f"{row.name}-seed{seed}.jsonl"
            pairs = zip(row.ids, row.labels.tolist(), choices.tolist(), strict=True)
            lines = [json.dumps({"id": i, "label": a, "prediction": b}) for i, a, b in pairs]
            path.write_text("\n".join(lines), encoding="utf-8")
            paths.append(path)
    return paths


def counted(seeds: tuple[int, ...], world: World, pairs: int) -> Counts:
    counts = Counts()
    for number in range(pairs):
        rng = np.random.default_rng([len(seeds), number])
        made = simulate(world, [ACCURACY, ACCURACY], [seeds, seeds], rng=rng)
        with tempfile.TemporaryDirectory() as folder:
            found = judge_files(files_of(made, Path(folder)), Asked())
        best, other = found.results.rows
        pair = other.to_best
        assert pair is not None and pair.items.p is not None and pair.items.interval is not None
        truth = dict(zip([row.name for row in made.rows], made.model_truth, strict=True))
        low, high = pair.items.interval
        counts.different += other.standing == "behind"
        counts.checkpoints += pair.items.p < LEVEL
        counts.methods += pair.method.p is not None and pair.method.p < LEVEL
        counts.covered += bool(low <= truth[other.name] - truth[best.name] <= high)
    return counts


def main(pairs: int) -> None:
    for kind, (seeds, world) in KINDS.items():
        found = counted(seeds, world, pairs)
        claim = "methods" if len(seeds) > 1 else "checkpoints"
        rejected = found.methods if len(seeds) > 1 else found.checkpoints
        print(
            f"{kind}, {pairs:,} equal pairs: called different in {found.different / pairs:.1%}; "
            f"{claim} rejected in {rejected / pairs:.1%}; "
            f"intervals over examples cover in {found.covered / pairs:.1%}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
