"""One step of SGD on one weight."""

from __future__ import annotations

import numpy as np

from tunewise.foundations.network import (
    NAMES,
    by_differences,
    loss,
    sgd_update,
    symbolic,
    worked_instance,
)
from tunewise.foundations.topic import Check, Topic, difference

RATE = 1e-9


def explain() -> Topic:
    network, x, y = worked_instance()
    g = symbolic(network, x, y)
    after = sgd_update(network, x, y, RATE)
    numeric = by_differences(network, x, y)
    squared_norm = sum(float((g[name] ** 2).sum()) for name in NAMES)
    fall = loss(network, x, y) - loss(after, x, y)

    return Topic(
        statement=(
            "SGD with one example moves every weight against that example's own gradient, by the "
            "rate times as much. All weights move at once, from the values before the step: W1's "
            "update uses the old W2."
        ),
        derivation=(
            "W1[j,k] <- W1[j,k] - rate dL/dW1[j,k]",
            "         = W1[j,k] - rate x_k 1[q_j > 0] sum_i 2 (p_i - y_i) W2[i,j]",
            "",
            "for a small rate the loss falls by  rate |gradient|^2, to first order",
        ),
        quantities=(
            ("rate", f"{RATE:g}"),
            ("dL/dW1[1,1]", f"{g['W1'][0, 0]:,.0f}"),
            ("W1[1,1] before and after", f"{network.W1[0, 0]:g} and {after.W1[0, 0]:.9f}"),
            ("loss before", f"{loss(network, x, y):,.2f}"),
            ("loss after", f"{loss(after, x, y):,.2f}"),
            ("fall over rate |gradient|^2", f"{fall / (RATE * squared_norm):.5f}"),
        ),
        checks=(
            Check(
                "W1 after the step, against differences of the loss",
                difference(after.W1, network.W1 - RATE * numeric["W1"]),
                1e-12,
            ),
            Check(
                "W1[1,1] falls by rate times 102,732",
                abs(network.W1[0, 0] - after.W1[0, 0] - RATE * 102_732),
                1e-12,
            ),
            Check(
                "the fall is rate |gradient|^2, as a ratio to 1",
                float(np.abs(fall / (RATE * squared_norm) - 1)),
                0.05,
            ),
        ),
        source="Robbins and Monro 1951.",
    )
