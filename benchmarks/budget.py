"""Whether a study under a budget keeps it on the clock, its report included.

    python benchmarks/budget.py [--minutes 2 4 6] [--workers 2] [--loaded]

Runs `tunewise run STUDY --budget N` for each budget, in a process and a folder of its own, and
compares its seconds on the clock, from the command to the shell's prompt, with the budget. The data
are 200 of the embedded reviews, the model the embedded encoder, the methods those of `tunewise
init`; the list of seeds is long enough that time ends the race and not the list.

Every measurement is written to benchmarks/results/budget.json as soon as it is there. Nothing is
measured while other work takes a core (a load of 1 or more, five minutes on), unless `--loaded`;
the record then says so. The exit code is 1 where a budget was exceeded by more than 5 %.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from reference.records import made_by

from tunewise.core.files import read_json, write_json
from tunewise.store.race import read_race

RESULTS = Path(__file__).parent / "results" / "budget.json"
MOST_OVER = 0.05
IDLE = 1.0  # load below which a machine counts as free
PATIENCE_SECONDS = 300.0  # for the load of the measurement before
STUDY = {
    "name": "kept",
    "task": {"kind": "classification", "text": "text", "label": "label"},
    "data": {"source": "embedded:reviews", "limit": {"train": 200, "validation": 100}},
    "models": ["embedded:encoder"],
    "methods": ["majority", "tfidf", "head", {"lora": {"rank": 8}}, "full"],
    "seeds": list(range(60)),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", nargs="+", type=float, default=(2, 4, 6))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--loaded", action="store_true", help="measure beside other work")
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    exceeded = False
    for minutes in asked.minutes:
        load = os.getloadavg()[0] if asked.loaded else load_at_rest()
        if load >= IDLE and not asked.loaded:
            print(f"{minutes:g} min: not measured, the load is {load:.1f} (--loaded measures)")
            continue
        found = {**measured(minutes, asked.workers), "load_before": round(load, 1)}
        exceeded |= found["over"] > MOST_OVER
        print(
            f"{minutes:g} min: {found['seconds']:.0f} s, {found['over']:+.1%} of the budget, "
            f"ended: {found['ended']}{', by the clock' if found['by_clock'] else ''}, "
            f"{found['trainings']} trainings",
            flush=True,
        )
        known = read_json(asked.results) if asked.results.is_file() else {}
        write_json(asked.results, known | {f"{minutes:g} min": found})
    return int(exceeded)


def load_at_rest() -> float:
    """The load once what ran before has faded from it, or after five minutes."""
    end = time.monotonic() + PATIENCE_SECONDS
    while (load := os.getloadavg()[0]) >= IDLE and time.monotonic() < end:
        time.sleep(5)
    return load


def measured(minutes: float, workers: int) -> dict[str, Any]:
    """One study from the command to its end."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_json(place / "study.yaml", STUDY)  # JSON is YAML
        command = [sys.executable, "-m", "tunewise", "run", str(place / "study.yaml")]
        command += ["--budget", f"{minutes:g}min", "--workers", str(workers)]
        start = time.perf_counter()
        ran = subprocess.run(
            [*command, "--out", str(place / "out")], capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - start
        if ran.returncode:
            raise SystemExit(ran.stderr)
        race = read_race(place / "out")
        assert race is not None
        return {
            "seconds": round(seconds, 1),
            "over": round(seconds / (60 * minutes) - 1, 3),
            "ended": race.ended,
            "by_clock": race.by_clock,
            "predicted_seconds": race.spent,
            "looks": race.looks,
            "trainings": sum(map(len, race.seeds.values())),
            "workers": workers,
            "load_after": round(os.getloadavg()[0], 1),
            "made_by": {**made_by(""), "command": " ".join(["python", *sys.argv])},
        }


if __name__ == "__main__":
    sys.exit(main())
