"""Measure the statistics: false positives, coverage, ties kept and differences found.

    python benchmarks/calibration.py            2,000 studies per line; minutes
    python benchmarks/calibration.py 200        fewer
    python benchmarks/calibration.py 10000 "by items alone"    of the kinds with these words alone
    python benchmarks/calibration.py 1000 spreads    few seeds whose spreads differ, and power

Every study goes through `compare`, as a real one does. Seeds are fixed, so two runs print the
same table; the exit code is 1 where a fraction lies outside its bounds.
"""

from __future__ import annotations

import sys
import time

from seed_spreads import CONTENDERS, rates, settings
from simulated_studies import (
    LINES,
    Line,
    World,
    bounds_for,
    detectable,
    measure,
    undecided_fraction,
)

RERUNS = 100
LEAD = 0.10  # of one contender over all others, that is to be found
FOR_POWER = ("equal spreads", "unequal: log sd 0.5")
EQUAL = Line("one method, two lists of five seeds", ((0, 1, 2, 3, 4), (5, 6, 7, 8, 9)), start=20)
ONE_SEED = Line("one seed each", ((0,), (0,)), World(seed=0), start=21)
THREE_SEEDS = Line("three seeds each", ((0, 1, 2), (0, 1, 2)), start=22)


def main(studies: int) -> int:
    missed = calibrated(studies) + decided()
    print("all within their bounds" if not missed else f"{missed} outside their bounds")
    return 1 if missed else 0


def calibrated(studies: int, words: str = "") -> int:
    """Print false positives and coverage of kinds of studies; how many miss their bounds."""
    missed = 0
    for line in (line for line in LINES if words in line.name):
        start = time.perf_counter()
        fractions = list(measure(line, studies=studies))
        print(f"{line.name}: {studies} studies, {time.perf_counter() - start:.0f} s")
        for name, fraction, (low, high) in fractions:
            holds = low <= fraction <= high
            missed += not holds
            message = "" if holds else "  MISSED"
            print(f"  {name:<42} {fraction:6.1%}  [{low:.1%}, {high:.1%}]{message}", flush=True)
    return missed


def spreads(studies: int) -> int:
    """Print how often claims over few seeds are wrong, by the way in which seeds spread.

    What lies above its bound is missed; what lies below is marked as conservative. The rate of
    studies has an upper bound alone, that of the widest pair none: its spread is taken to be more
    like the others' than it is.
    """
    low, high = bounds_for(0.05, 1000)
    missed = 0
    print(f"False positives in {studies} studies of 3, fewer of more contenders with more pairs:")
    print(
        "of pairs, of pairs with one without randomness, of the pair that spreads most, of studies"
    )
    print("after the correction")
    for kind, seeds, contenders in settings():
        counted = studies * min(CONTENDERS) // contenders
        one = rates(kind, seeds=seeds, contenders=contenders, studies=counted)
        above = sum(rate > high for rate in (one.pairs, one.fixed))
        above += one.studies > bounds_for(0.05, counted)[1]
        below = any(rate < low for rate in (one.pairs, one.fixed))
        missed += above
        message = "  MISSED" if above else "  conservative" if below else ""
        print(
            f"  {kind.name:<32} {seeds} seeds, {contenders:>2}: {one.pairs:6.1%} {one.fixed:6.1%} "
            f"{one.widest:6.1%} {one.studies:6.1%}{message}",
            flush=True,
        )
    return missed


def power(studies: int) -> None:
    """Print how often a lead is found, with the spreads of all and with those of the two alone."""
    print(f"A lead of {100 * LEAD:.0f} points found, in {studies} studies: moderated and alone, of")
    print("pairs at 5 %, of pairs with one without randomness, and after the correction")
    for kind, seeds, contenders in settings():
        if kind.name not in FOR_POWER:
            continue
        both = [
            rates(kind, seeds=seeds, contenders=contenders, studies=studies, lead=LEAD, alone=alone)
            for alone in (False, True)
        ]
        shown = "   ".join(
            f"{getattr(both[0], what):4.0%} {getattr(both[1], what):4.0%}"
            for what in ("pairs", "fixed", "corrected")
        )
        print(f"  {kind.name:<32} {seeds} seeds, {contenders:>2}: {shown}", flush=True)


def decided() -> int:
    """Print how often equals are called tied and twice the detectable difference is found."""
    missed = 0
    print(f"Verdicts in {RERUNS} reruns")
    for line in (EQUAL, ONE_SEED, THREE_SEEDS):
        tied = undecided_fraction(line, studies=RERUNS)
        twice = 2 * detectable(line)
        found = 1 - undecided_fraction(line, studies=RERUNS, difference=twice)
        missed += (tied < 0.90) + (found < 0.80)
        print(f"  {line.name}: equals tied {tied:.0%}; {100 * twice:.1f} points found {found:.0%}")
    return missed


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    if sys.argv[2:] == ["spreads"]:
        outside = spreads(asked)
        power(asked // 5)
        sys.exit(1 if outside else 0)
    if sys.argv[2:]:
        sys.exit(1 if calibrated(asked, sys.argv[2]) else 0)
    sys.exit(main(asked))
