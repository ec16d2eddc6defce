"""The report of a large study: how long it takes and how much memory it needs.

    python benchmarks/large_report.py --contenders 50 --seeds 10 --examples 10000

The study is invented: answers are drawn, nothing is trained. Every output of `tunewise report` is
written, in this process.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.reports.fabricate import CONTENDERS, Plan, fabricate

from tunewise.reports.outputs.write import write_report
from tunewise.store.study import StudyFolder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contenders", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--examples", type=int, default=10_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tunewise-") as name:
        plan = Plan(
            contenders=tuple(
                replace(CONTENDERS[3], name=f"lora {number}", points=({},), skills=(skill,))
                for number in range(chosen.contenders)
                for skill in [1.0 + number / chosen.contenders]
            ),
            seeds=tuple(range(chosen.seeds)),
            test=chosen.examples,
            validation=chosen.examples,
            epochs=3,
        )
        began = time.perf_counter()
        folder = StudyFolder.open(fabricate(Path(name) / "study", plan))
        print(f"invented in {time.perf_counter() - began:.1f} s")
        began = time.perf_counter()
        write_report(folder, Path(name) / "report")
        seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"{chosen.contenders} contenders x {chosen.seeds} seeds x {chosen.examples:,} examples: "
        f"report in {seconds:.1f} s, at most {peak / 1e9:.2f} GB"
    )


if __name__ == "__main__":
    main()
