"""Taking one value back out of the average of two."""

from __future__ import annotations

import numpy as np

from tunewise.foundations.attention_limits import extraction
from tunewise.foundations.topic import Check, Topic, difference


def explain() -> Topic:
    rng = np.random.default_rng(0)
    d, p = 8, 3
    basis = np.linalg.qr(rng.normal(size=(d, d)))[0]
    A, B = basis[:, :p], basis[:, p : 2 * p]
    v_a, v_b = A @ rng.normal(size=p), B @ rng.normal(size=p)
    average = (v_a + v_b) / 2
    slanted = A @ rng.normal(size=(p, p))  # the same subspace, its basis no longer orthonormal

    return Topic(
        statement=(
            "If v_a lies in one subspace and v_b in another at right angles to it, their average "
            "loses nothing: a linear map gives v_a back. It is the projection onto the first "
            "subspace times two, because the average holds only half of v_a. One head can thus "
            "carry two values, and a later layer can read either."
        ),
        derivation=(
            "v_a = A c,  v_b = B e,  A'B = 0         columns of A: a basis",
            "P = A (A'A)^-1 A'        P v_a = v_a,  P v_b = 0",
            "P (v_a + v_b)/2 = v_a / 2               hence  M = 2 P",
            "orthonormal columns:  M = 2 A A';  the coordinates are c = 2 A' (v_a + v_b)/2",
        ),
        quantities=(
            ("dimension, size of each subspace", f"{d}, {p}"),
            ("|v_a|", f"{np.linalg.norm(v_a):.4f}"),
            ("|M average|", f"{np.linalg.norm(extraction(A) @ average):.4f}"),
            ("|A A' average|, the factor forgotten", f"{np.linalg.norm(A @ A.T @ average):.4f}"),
        ),
        checks=(
            Check("M average = v_a", difference(extraction(A) @ average, v_a), 1e-12),
            Check("from a slanted basis too", difference(extraction(slanted) @ average, v_a), 1e-9),
            Check("the other one likewise", difference(extraction(B) @ average, v_b), 1e-12),
            Check("without the two it is v_a / 2", difference(A @ A.T @ average, v_a / 2), 1e-12),
        ),
        source="derived here.",
    )
