"""Measure the statistics: false positives, coverage, ties kept and differences found.

    python benchmarks/calibration.py            1,000 studies per line; minutes
    python benchmarks/calibration.py 200        fewer

Every study goes through `compare`, as a real one does. Seeds are fixed, so two runs print the
same table. The last column says whether the share lies within the bounds.
"""

from __future__ import annotations

import sys
import time

from tunewise.statistics.calibration import LINES, bounds_for, measure


def main(studies: int) -> int:
    print(f"{studies} studies per line")
    print(f"{'what':<74} {'share':>7}  {'bounds':<16} holds  seconds")
    missed = 0
    for line in LINES:
        start = time.perf_counter()
        for name, share, nominal in measure(line, studies=studies):
            low, high = bounds_for(nominal, studies)
            holds = low <= share <= high
            missed += not holds
            print(
                f"{name:<74} {share:7.1%}  [{low:.1%}, {high:.1%}]  {'yes' if holds else 'NO':<5}"
                f" {time.perf_counter() - start:6.1f}",
                flush=True,
            )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
