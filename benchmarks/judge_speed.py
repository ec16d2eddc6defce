"""How long `tunewise judge` takes for ten files of 2,000 examples, with a report and without.

    python benchmarks/judge_speed.py        twice each; the lesser counts

Processor seconds of the command from its start to its end, imports included: on an idle core they
are seconds on the clock. Modules are compiled beforehand, as an installation does it: a first run,
which does not count, compiles them and fills caches.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from judged import files_of
from simulated_studies import World, simulate

ACCURACIES = (0.75, 0.77, 0.80, 0.74, 0.70)  # of five contenders with two seeds each
RUNS = 2
FORMS = ("", "html", "html,pdf,tex")


def seconds(files: list[Path], out: Path, forms: str) -> tuple[float, float]:
    """Of the processor and on the clock."""
    report = ["--out", str(out), "--report", forms] if forms else []
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "tunewise", "judge", *map(str, files), *report],
        stdout=subprocess.DEVNULL,
        env=dict(os.environ, OMP_NUM_THREADS="1", PYTHONDONTWRITEBYTECODE=""),
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return used, time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = simulate(
            World(examples=2000), ACCURACIES, [(0, 1)] * 5, rng=np.random.default_rng(0)
        )
        files, report = files_of(made, Path(folder)), Path(folder) / "report"
        seconds(files, report, FORMS[-1])
        for forms in FORMS:
            found = [seconds(files, report, forms) for _ in range(RUNS)]
            used, clock = (min(of) for of in zip(*found, strict=True))
            what = f"with {forms}" if forms else "verdict and table"
            print(f"{what:<20} {used:.2f} s of the processor, {clock:.2f} s on the clock")


if __name__ == "__main__":
    main()
