"""When attention copies one value."""

from __future__ import annotations

import numpy as np

from tunewise.foundations.attention import attend, weights
from tunewise.foundations.attention_limits import copying_margin
from tunewise.foundations.topic import Check, Topic

OUTSIDE = 1e-3


def explain() -> Topic:
    rng = np.random.default_rng(0)
    n, h = 8, 16
    V = rng.normal(size=(n, 5))
    margin = copying_margin(n, outside=OUTSIDE)

    # Orthonormal keys and q = c k_1: the first scores c / sqrt(h), all others zero.
    even = np.linalg.qr(rng.normal(size=(h, h)))[0][:n]
    q = margin * np.sqrt(h) * even[0]
    left = 1 - weights(q, even)[0]

    # Keys in general position, the query scaled until the lead is the margin.
    K = rng.normal(size=(n, h))
    lead = K[0] @ K[0] - np.max(K[1:] @ K[0])
    sharp = margin * np.sqrt(h) / lead * K[0]
    a = weights(sharp, K)
    error = float(np.linalg.norm(attend(sharp, K, V) - V[0]))
    bound = OUTSIDE * float(np.linalg.norm(V - V[0], axis=1).max())

    return Topic(
        statement=(
            "The output is close to v_j when nearly all weight lies on key j, that is, when the "
            "product k_j . q is far above every other. How far: a lead of m in the scores leaves "
            "at most (n-1)/(e^m + n - 1) elsewhere. The lead needed grows only with the logarithm "
            "of the number of keys, but it is never infinite, so a softmax copies approximately."
        ),
        derivation=(
            "s_j - s_i >= m for all i other than j",
            "(1 - a_j) / a_j = sum_i exp(s_i - s_j) <= (n-1) exp(-m)",
            "1 - a_j <= eps   if   m >= ln((n-1) (1 - eps) / eps)",
            "|c - v_j| = |sum_i a_i (v_i - v_j)| <= (1 - a_j) max_i |v_i - v_j|",
            "",
            "In products k . q the lead is sqrt(h) m: scale the query up to sharpen it.",
        ),
        quantities=(
            ("keys n, dimension h, weight allowed elsewhere", f"{n}, {h}, {OUTSIDE:g}"),
            ("lead needed in the scores", f"{margin:.3f}"),
            (
                "lead needed for 1,000 times as many keys",
                f"{copying_margin(1000 * n, outside=OUTSIDE):.3f}",
            ),
            ("weight elsewhere, equal others", f"{left:.6f}"),
            ("weight elsewhere, keys in general position", f"{1 - a[0]:.6f}"),
            ("distance of the output from v_j", f"{error:.6f} (bound {bound:.6f})"),
        ),
        checks=(
            Check(
                "equal others: the weight elsewhere is exactly 0.001", abs(left - OUTSIDE), 1e-12
            ),
            Check("general keys: no more than that", max(0.0, 1 - a[0] - OUTSIDE), 1e-12),
            Check("the output is as close to v_j as the bound", max(0.0, error - bound), 1e-12),
        ),
        source="derived here; the softmax as in Vaswani et al. 2017, arXiv:1706.03762.",
    )
