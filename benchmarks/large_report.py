"""The report of a large study: how long it takes and how much memory it needs.

    python benchmarks/large_report.py --contenders 50 --seeds 10 --examples 10000

The study is invented: answers are drawn, nothing is trained. Every output of `tunewise report` is
written, in this process. With `--folder` the study is invented there, unless it lies there already:
then the memory is that of the report alone.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
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
    parser.add_argument("--folder", type=Path)
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
        study = chosen.folder or Path(name) / "study"
        if not study.is_dir():
            print(f"invented in {timed(lambda: fabricate(study, plan))}")
        took = timed(lambda: write_report(StudyFolder.open(study), Path(name) / "report"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"{chosen.contenders} contenders x {chosen.seeds} seeds x {chosen.examples:,} examples: "
        f"report in {took}, at most {peak / 1e9:.2f} GB"
    )


def timed(work: Callable[[], object]) -> str:
    """Run it; how long it took the processor, and by the clock."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    return f"{processor:.1f} s of CPU ({clock:.1f} s by the clock)"


if __name__ == "__main__":
    main()
