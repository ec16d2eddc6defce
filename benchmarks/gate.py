"""The gate of ``tunewise judge`` over long loops: how often it keeps noise, and what it finds.

    python benchmarks/gate.py             2,000 loops of 200 looks; about a minute
    python benchmarks/gate.py 200         fewer loops

A loop has a best model that is right on 80 % of all questions, and at each look a change of it
that turns 10 % of the answers (``--turned 0.2`` for other fractions) and makes it neither better
nor worse. Best and changes answer the same examples, so that looks depend on one another. A false
keep is any keep of such a change. Then one change that is better by 3 points comes at look 1, 20 or
100, after changes without effect. Each look has the level and the exact test that the gate uses
(a test of `tests/judging` holds the two together). Seeds are fixed, so two runs print the same; the
exit code is 1 where a bound of the project is missed.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tunewise.statistics.looks import level_of_look

ACCURACY, GAIN, ALPHA = 0.80, 0.03, 0.05
LOOKS, EXAMPLES, AT = 200, (500, 2000), (1, 20, 100)
MOST_FALSE, LEAST_OF_FIXED = 0.06, 0.5

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Change:
    """How a change turns answers: of right ones to wrong, of wrong ones to right."""

    lost: float
    won: float

    @classmethod
    def of(cls, turned: float, gain: float) -> Change:
        """One that turns a fraction of all answers and gains a difference in accuracy."""
        return cls((turned - gain) / 2 / ACCURACY, (turned + gain) / 2 / (1 - ACCURACY))

    def drawn(
        self, right: Counts, examples: int, rng: np.random.Generator
    ) -> tuple[Counts, Counts]:
        """Answers won and lost against a best that has so many right."""
        return rng.binomial(examples - right, self.won), rng.binomial(right, self.lost)


def one_sided(won: Counts, lost: Counts) -> NDArray[np.float64]:
    """The exact McNemar p value for better, as the gate has it: half of the two-sided."""
    fewer, differ = np.minimum(won, lost), won + lost
    two_sided = np.minimum(1.0, 2 * stats.binom.cdf(fewer, differ, 0.5))
    return np.where(won > lost, two_sided / 2, 1 - two_sided / 2)


def main(loops: int, turned: float) -> int:
    levels = np.array(
        [level_of_look([False] * (look - 1), alpha=ALPHA) for look in range(1, LOOKS + 1)]
    )
    missed = 0
    print(f"{loops:,} loops of {LOOKS} changes without effect, {turned:.0%} of answers turned")
    for examples in EXAMPLES:
        rng = np.random.default_rng([1, examples])
        right = rng.binomial(examples, ACCURACY, size=loops)
        shape = np.broadcast_to(right[:, None], (loops, LOOKS))
        won, lost = Change.of(turned, 0.0).drawn(shape, examples, rng)
        p = one_sided(won, lost)
        gate = (p <= levels).any(axis=1).mean()
        fixed, rose = p <= ALPHA / 2, won > lost
        missed += gate > MOST_FALSE
        print(
            f"  {examples:,} examples: any false keep in {gate:.2%} of loops with the gate, "
            f"{fixed.any(axis=1).mean():.1%} with a test at 5 % each time; a look keeps "
            f"{(p <= levels).mean():.4%}, {fixed.mean():.1%}, and {rose.mean():.1%} where the "
            "score rose"
        )
    examples = EXAMPLES[-1]
    rng = np.random.default_rng([2, examples])
    right = rng.binomial(examples, ACCURACY, size=10 * loops)
    p = one_sided(*Change.of(turned, GAIN).drawn(right, examples, rng))
    fixed_power = (p <= ALPHA / 2).mean()
    print(f"one gain of {100 * GAIN:.0f} points on {examples:,} examples")
    print(f"  a single test at 5 %: found in {fixed_power:.1%}")
    for look in AT:
        power = (p <= levels[look - 1]).mean()
        if look == 1:
            missed += power < LEAST_OF_FIXED * fixed_power
        print(f"  at look {look}: kept in {power:.1%} (level {levels[look - 1]:.2g})")
    print("all bounds kept" if not missed else f"{missed} bounds missed")
    return 1 if missed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("loops", type=int, nargs="?", default=2000)
    parser.add_argument("--turned", type=float, default=0.10)
    asked = parser.parse_args()
    sys.exit(main(asked.loops, asked.turned))
