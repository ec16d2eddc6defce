"""A query that averages two values, and how sharp it must be."""

from __future__ import annotations

import numpy as np

from tunewise.foundations.attention import attend, weights
from tunewise.foundations.attention_limits import averaging_query, outside_weight, sharpness
from tunewise.foundations.topic import Check, Topic, difference, vector

OUTSIDE = 1e-3
SIZES = ((3, 3), (4, 4), (10, 16), (64, 64), (100, 256))
STATEMENT = (
    "To get (v_a + v_b)/2, ask for both keys alike: q = c (k_a + k_b). Both then weigh the "
    "same whatever c is, but c decides what is left for the others. The average of the "
    "two keys, c = 1/2, is not enough: with four orthonormal keys in four dimensions it "
    "leaves 0.438 of the weight on the other two, and the output is not the average."
)
DERIVATION = (
    "orthonormal keys:  k_a . q = k_b . q = c,  k_i . q = 0 for the n - 2 others",
    "weight outside  w(c) = (n-2) / (2 exp(c / sqrt(h)) + n - 2)",
    "w(c) < eps   from   c = sqrt(h) ln((1/eps - 1) (n-2) / 2)  on",
    "eps = 0.001:        c = sqrt(h) ln(999 (n-2) / 2)",
)


def measured(c: float, n: int, h: int) -> float:
    """The weight outside the first two of n orthonormal keys, from the attention itself."""
    K = np.linalg.qr(np.random.default_rng(n).normal(size=(h, h)))[0][:n]
    return float(weights(averaging_query(K[0], K[1], c), K)[2:].sum())


def explain() -> Topic:
    c = sharpness(n=4, h=4, outside=OUTSIDE)
    K, V = np.eye(4), np.random.default_rng(0).normal(size=(4, 3))
    goal = (V[0] + V[1]) / 2
    dull = attend(averaging_query(K[0], K[1], 0.5), K, V)
    sharp = attend(averaging_query(K[0], K[1], c), K, V)
    reach = max(np.linalg.norm(v - goal) for v in V[2:])
    points = [sharpness(n=n, h=h, outside=OUTSIDE) for n, h in SIZES]

    return Topic(
        statement=STATEMENT,
        derivation=DERIVATION,
        quantities=(
            ("wanted, (v_a + v_b)/2", vector(goal.round(4))),
            ("output at c = 1/2", vector(dull.round(4))),
            (f"output at c = {c:.2f}", vector(sharp.round(4))),
            ("weight outside at c = 1/2, n = h = 4", f"{measured(0.5, 4, 4):.4f}"),
            ("c from which it is below 0.001, n = h = 4", f"{c:.4f}"),
            *(
                (f"the same for n = {n}, h = {h}", f"{x:.4f}")
                for (n, h), x in zip(SIZES, points, strict=True)
                if n != 4
            ),
        ),
        checks=(
            Check(
                "the formula for w, against attention itself",
                max(
                    abs(measured(x * f, n, h) - outside_weight(x * f, n=n, h=h))
                    for (n, h), x in zip(SIZES, points, strict=True)
                    for f in (0.1, 0.5, 1.0)
                ),
                1e-12,
            ),
            Check(
                "at that c, exactly 0.001 lies outside",
                max(
                    abs(measured(x, n, h) - OUTSIDE)
                    for (n, h), x in zip(SIZES, points, strict=True)
                ),
                1e-12,
            ),
            Check(
                "c = 1/2 misses the average (shortfall of a distance of 0.1)",
                max(0.0, 0.1 - difference(dull, goal)),
                0,
            ),
            Check(
                "at that c the output is within 0.001 of the way to the others",
                max(0.0, float(np.linalg.norm(sharp - goal)) - OUTSIDE * float(reach)),
                1e-12,
            ),
        ),
        source="derived here.",
    )
