"""How often `tunewise judge` is wrong, on files of predictions whose truth is known.

    python benchmarks/judged.py             1,000 studies of 2 contenders, fewer of more; minutes
    python benchmarks/judged.py 100
    python benchmarks/judged.py 3000 claims the same studies without files: claims about methods

Equal contenders answer 500 examples (`simulated_studies` makes their answers of dice). These are
written as JSON Lines, a file for each seed, and the code of the command reads, groups and compares
them, with fewer draws of the bootstrap. Of a few hundred studies the fractions are far from sure;
many more can be had without files (a test of `tests/judging` holds the two together). Seeds are
fixed, so two runs print the same; the exit code is 1 where a fraction lies outside its bounds.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from simulated_studies import RESAMPLES, Simulated, World, bounds_for, simulate, some_differ

from tunewise.analysis.comparisons import answered
from tunewise.judging.asked import Asked
from tunewise.judging.judge import judge_files
from tunewise.statistics.claims import Meeting, method_test
from tunewise.statistics.comparison import compare
from tunewise.statistics.metrics import METRICS
from tunewise.statistics.score_matrix import group_by_examples

ACCURACY, ALPHA = 0.75, 0.05
START = 41  # of the random numbers
SEEDS, CONTENDERS = (1, 2, 3, 5), (2, 6)


@dataclass(frozen=True)
class Told:
    """Fractions of studies of equal contenders, and of their pairs."""

    different: float  # of studies in which some row is called different from the best
    rejected: float  # of pairs, by the claim about methods; with one seed, about checkpoints
    covered: float  # of pairs: intervals over examples that hold the true difference


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


def made_of_dice(
    seeds: int, contenders: int, studies: int
) -> Iterator[tuple[Simulated, np.random.Generator]]:
    """So many studies of equals, and the rest of each one's random numbers."""
    # With luck of the seed, two checkpoints of one method truly differ.
    world = World(seed=0.0) if seeds == 1 else World()
    for number in range(studies):
        rng = np.random.default_rng([START, seeds, contenders, number])
        own = [range(seeds)] * contenders
        yield simulate(world, [ACCURACY] * contenders, own, rng=rng), rng


def told(seeds: int, contenders: int, studies: int) -> Told:
    """What the command says of so many studies."""
    different, rejected, covered = [], [], []
    for made, rng in made_of_dice(seeds, contenders, studies):
        with tempfile.TemporaryDirectory() as folder:
            evidence = judge_files(files_of(made, Path(folder)), Asked()).facts.evidence
        rows = answered(evidence.contenders, evidence.split)
        every = list(combinations([row.name for row in rows], 2))
        # Naming every pair corrects as the command does, and shows what it says of each.
        found = compare(rows, evidence.headline, rng=rng, family=every, resamples=RESAMPLES)
        truth = dict(zip([row.name for row in made.rows], made.model_truth, strict=True))
        different.append(some_differ(found))
        for pair in found.pairs:
            p = pair.items.p if seeds == 1 else pair.method.p
            assert p is not None and pair.items.interval is not None
            low, high = pair.items.interval
            rejected.append(p < ALPHA)
            covered.append(low <= truth[pair.row] - truth[pair.other] <= high)
    return Told(*(float(np.mean(of)) for of in (different, rejected, covered)))


def claimed(seeds: int, contenders: int, studies: int) -> float:
    """The fraction of pairs of which the claim about methods says that they differ."""
    metric, rejected = METRICS["accuracy"], []
    for made, rng in made_of_dice(seeds, contenders, studies):
        (group,) = group_by_examples(made.rows, metric, rng=rng, resamples=0)
        for row, other in combinations(group.rows, 2):
            p = method_test(Meeting(row, other, group, metric)).p
            assert p is not None
            rejected.append(p < ALPHA)
    return float(np.mean(rejected))


def claims(studies: int) -> int:
    missed = 0
    for contenders in CONTENDERS:
        counted = studies * min(CONTENDERS) // contenders
        low, high = bounds_for(ALPHA, counted)
        for seeds in SEEDS[1:]:
            found = claimed(seeds, contenders, counted)
            missed += not low <= found <= high
            message = "" if low <= found <= high else "  MISSED"
            print(
                f"{seeds} seeds, {contenders} contenders, {counted:,} studies: {found:.1%}{message}"
            )
    return 1 if missed else 0


def main(studies: int) -> int:
    missed = 0
    print("seeds  contenders  studies  different  rejected  covered")
    for contenders in CONTENDERS:
        counted = studies * min(CONTENDERS) // contenders
        for seeds in SEEDS:
            found = told(seeds, contenders, counted)
            holds = found.different <= bounds_for(ALPHA, counted)[1]
            for fraction, nominal in ((found.rejected, ALPHA), (found.covered, 1 - ALPHA)):
                low, high = bounds_for(nominal, counted)
                holds &= low <= fraction <= high
            missed += not holds
            print(
                f"{seeds:>5} {contenders:>11} {counted:>8,} {found.different:>10.1%} "
                f"{found.rejected:>9.1%} {found.covered:>8.1%}{'' if holds else '  MISSED'}",
                flush=True,
            )
    return 1 if missed else 0


if __name__ == "__main__":
    run = claims if sys.argv[2:] == ["claims"] else main
    sys.exit(run(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
