"""Scaled dot-product attention: an average of values."""

from __future__ import annotations

import numpy as np

from tunewise.foundations.attention import attend, attention, softmax, weights
from tunewise.foundations.topic import Check, Topic, difference


def explain() -> Topic:
    rng = np.random.default_rng(0)
    n, h, d, m = 6, 64, 5, 4
    Q, K, V = rng.normal(size=(m, h)), rng.normal(size=(n, h)), rng.normal(size=(n, d))
    q = Q[0]

    exponentials = [np.exp(sum(k * q) / np.sqrt(h)) for k in K]
    by_definition = sum(e / sum(exponentials) * v for e, v in zip(exponentials, V, strict=True))
    order = rng.permutation(n)
    products = rng.normal(size=(10_000, h)) @ q / np.linalg.norm(q) * np.sqrt(h)

    return Topic(
        statement=(
            "A query asks, keys answer how well they fit, and the output is the average of the "
            "values with these fits as weights. The weights are positive and sum to one, so the "
            "output never leaves the convex hull of the values."
        ),
        derivation=(
            "one query    s_i = k_i . q / sqrt(h)        a = softmax(s)",
            "             c = sum_i a_i v_i",
            "all queries  C = softmax(Q K' / sqrt(h)) V  row j of C: the output of query j",
            "",
            "Why sqrt(h): for q and k with independent entries of variance 1, k . q is a",
            "sum of h terms of variance 1, so its spread is sqrt(h). Undivided, large h",
            "gives large scores, a softmax near one-hot and gradients a_i (1 - a_i) near 0.",
        ),
        quantities=(
            ("spread of k . q at h = 64 (10,000 keys)", f"{products.std():.2f}"),
            ("largest weight, divided by sqrt(h)", f"{weights(q, K).max():.3f}"),
            ("largest weight, undivided", f"{softmax(K @ q).max():.3f}"),
        ),
        checks=(
            Check(
                "one query, against the definition term by term",
                difference(attend(q, K, V), by_definition),
                1e-12,
            ),
            Check(
                "matrix form, row by row against one query",
                difference(attention(Q, K, V), [attend(row, K, V) for row in Q]),
                1e-12,
            ),
            Check("weights sum to one", abs(weights(q, K).sum() - 1), 1e-12),
            Check(
                "keys and values in another order: same output",
                difference(attend(q, K[order], V[order]), attend(q, K, V)),
                1e-12,
            ),
        ),
        source="Vaswani et al. 2017, arXiv:1706.03762, section 3.2.1.",
    )
