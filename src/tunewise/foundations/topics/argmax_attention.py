"""Attention with an argmax, which copies but cannot learn."""

from __future__ import annotations

import numpy as np

from tunewise.foundations.attention import (
    argmax_attend,
    attend,
    jacobian,
    softmax,
    softmax_jacobian,
)
from tunewise.foundations.topic import Check, Topic, difference, vector

KEYS = np.array([[0, 1, 2], [1, 1, 2], [-1, 1, -2], [0, -1, -2]], float)
VALUES = np.array([[3, 2, -4], [3, -2, 4], [3, 2, 0], [3, 2, 4]], float)
QUERY = np.array([-2, 1, 1], float)


def explain() -> Topic:
    hard = argmax_attend(QUERY, KEYS, VALUES)
    hard_q = jacobian(lambda q: argmax_attend(q, KEYS, VALUES), QUERY)
    hard_K = jacobian(lambda K: argmax_attend(QUERY, K, VALUES), KEYS)
    soft_q = jacobian(lambda q: attend(q, KEYS, VALUES), QUERY)
    scores = KEYS @ QUERY / np.sqrt(3)

    return Topic(
        statement=(
            "Put all weight on the key with the largest product. The output is that key's value, "
            "unmixed. But a small change of the query or of a key changes no maximum, so the "
            "output does not move: the derivative to queries and keys is zero wherever it "
            "exists, and where two keys tie the output jumps and has none. Gradient descent "
            "learns nothing about what to look at; only the values learn. The softmax is the "
            "smooth version that does."
        ),
        derivation=(
            "argmax   a_i = 1 if i is the best key, else 0      da_i / ds_j = 0",
            "softmax  a_i = exp(s_i) / sum_j exp(s_j)",
            "         da_i / ds_j = a_i (1[i = j] - a_j)        nowhere 0",
            "",
            "keys    (0, 1, 2)   (1, 1, 2)   (-1, 1, -2)  (0, -1, -2)",
            "values  (3, 2, -4)  (3, -2, 4)  (3, 2, 0)    (3, 2, 4)    query (-2, 1, 1)",
        ),
        quantities=(
            ("products k_i . q", vector(KEYS @ QUERY)),
            ("argmax attention", vector(hard)),
            ("softmax attention", vector(attend(QUERY, KEYS, VALUES).round(4))),
            ("largest derivative in the query, softmax", f"{np.abs(soft_q).max():.3f}"),
            (
                "largest derivative in query or keys, argmax",
                f"{max(np.abs(hard_q).max(), np.abs(hard_K).max()):.3f}",
            ),
        ),
        checks=(
            Check("the worked instance gives (3, 2, -4)", difference(hard, [3, 2, -4]), 0),
            Check("argmax: derivative in the query is 0", float(np.abs(hard_q).max()), 0),
            Check("argmax: derivative in every key is 0", float(np.abs(hard_K).max()), 0),
            Check(
                "softmax: its derivative, against differences",
                difference(softmax_jacobian(softmax(scores)), jacobian(softmax, scores)),
                1e-8,
            ),
        ),
        source="worked by hand: products 3, 1, 1, -3, so the first key wins.",
    )
