"""How far LoRA lifts the embedded decoder's exact match, and in how many seconds.

    python benchmarks/lift.py [--seeds N]

Runs recipes/squad-offline.yaml with greedy answers alone: the decoder untuned, and LoRA on the
2,000 questions of train. Trials run one after the other, each on one core; the seconds are those of
the whole trial, with validation after each epoch. The exit code is 1 where a seed lifts exact match
on the 600 test questions by less than 0.3, or takes more than a minute.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import tunewise

RECIPE = Path(__file__).parents[1] / "recipes/squad-offline.yaml"
LORA = "lora: {rank: 8, alpha: 32, targets: [attention, mlp]}"
LIFT, SECONDS = 0.3, 60


def main(seeds: int) -> int:
    study = tunewise.Study.read(
        RECIPE,
        [
            "task.decoding=[greedy]",
            f"methods=[untuned, {{{LORA}}}]",
            "search={learning_rate: {lora: [3e-3]}}",
            f"seeds={list(range(seeds))}",
        ],
    )
    with tempfile.TemporaryDirectory() as folder:
        finished = study.run(folder, workers=1)
        rows = {row.name: row for row in finished.results.rows}
        trials = {c.name: c.finished for c in finished.evidence.contenders}["lora"]
        seconds = [trial.record.costs.total_seconds or 0.0 for trial in trials]
    [before] = rows["untuned"].test["exact_match"].values
    lifts = [after - before for after in rows["lora"].test["exact_match"].values]
    for seed, lift, took in zip(rows["lora"].seeds, lifts, seconds, strict=True):
        print(f"seed {seed}: exact match {before:.3f} -> {before + lift:.3f} in {took:.1f} s")
    return int(min(lifts) < LIFT or max(seconds) > SECONDS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seeds", type=int, default=2)
    sys.exit(main(parser.parse_args().seeds))
