"""Measure the statistics: false positives, coverage, ties kept and differences found.

    python benchmarks/calibration.py            2,000 studies per line; minutes
    python benchmarks/calibration.py 200        fewer

Every study goes through `compare`, as a real one does. Seeds are fixed, so two runs print the
same table; the exit code is 1 where a fraction lies outside its bounds.
"""

from __future__ import annotations

import sys
import time

from simulated_studies import LINES, Line, World, detectable, measure, tied_fraction

RERUNS = 100
EQUAL = Line("one method, two lists of five seeds", ((0, 1, 2, 3, 4), (5, 6, 7, 8, 9)), start=20)
ONE_SEED = Line("one seed each", ((0,), (0,)), World(seed=0), start=21)
THREE_SEEDS = Line("three seeds each", ((0, 1, 2), (0, 1, 2)), start=22)


def main(studies: int) -> int:
    missed = calibrated(studies) + decided()
    print("all within their bounds" if not missed else f"{missed} outside their bounds")
    return 1 if missed else 0


def calibrated(studies: int) -> int:
    """Print false positives and coverage of every kind of study; how many miss their bounds."""
    missed = 0
    for line in LINES:
        start = time.perf_counter()
        fractions = list(measure(line, studies=studies))
        print(f"{line.name}: {studies} studies, {time.perf_counter() - start:.0f} s")
        for name, fraction, (low, high) in fractions:
            holds = low <= fraction <= high
            missed += not holds
            message = "" if holds else "  MISSED"
            print(f"  {name:<42} {fraction:6.1%}  [{low:.1%}, {high:.1%}]{message}", flush=True)
    return missed


def decided() -> int:
    """Print how often equals are called tied and twice the detectable difference is found."""
    missed = 0
    print(f"Verdicts in {RERUNS} reruns")
    for line in (EQUAL, ONE_SEED, THREE_SEEDS):
        tied = tied_fraction(line, studies=RERUNS)
        twice = 2 * detectable(line)
        found = 1 - tied_fraction(line, studies=RERUNS, difference=twice)
        missed += (tied < 0.90) + (found < 0.80)
        print(f"  {line.name}: equals tied {tied:.0%}; {100 * twice:.1f} points found {found:.0%}")
    return missed


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
