"""The gradients of a network of two layers, four ways."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import linear

from tunewise.foundations.autodiff import Array
from tunewise.foundations.network import (
    NAMES,
    Network,
    by_differences,
    loss,
    predict,
    symbolic,
    symbolic_by_index,
    wengert,
    worked_instance,
)
from tunewise.foundations.topic import Check, Topic, difference, vector


def by_pytorch(network: Network, x: Array, y: Array) -> dict[str, Array]:
    """The gradients of the four trained arrays from automatic differentiation."""
    t = {name: torch.tensor(getattr(network, name), requires_grad=True) for name in NAMES}
    h = linear(torch.tensor(x), t["W1"], t["b1"]).relu()
    (linear(h, t["W2"], t["b2"]) - torch.tensor(y)).square().sum().backward()
    return {name: np.asarray(array.grad) for name, array in t.items()}


def explain() -> Topic:
    network, x, y = worked_instance()
    ways = {
        "symbolic, matrix form": symbolic(network, x, y),
        "symbolic, index form": symbolic_by_index(network, x, y),
        "Wengert list": wengert(network, x, y),
        "PyTorch": by_pytorch(network, x, y),
        "finite differences": by_differences(network, x, y),
    }
    ours = ways["symbolic, matrix form"]
    return Topic(
        statement=(
            "q = W1 x + b1, h = ReLU(q), p = W2 h + b2, L = (p - y)'(p - y). The chain rule, "
            "walked from the loss backwards, gives every gradient in one pass: each line below "
            "uses only the line before it. The entries of the worked instance are small whole "
            "numbers, so all ways must agree to the last digit."
        ),
        derivation=(
            "L = sum_i (p_i - y_i)^2   p_i = sum_j W2[i,j] h_j + b2[i]   h_j = max(q_j, 0)",
            "dL/dq[j] = sum_i dL/dp[i] dp_i/dh_j dh_j/dq_j: over every path from q_j to L",
            "",
            "by index                                           in matrices",
            "dL/dp[i]    = 2 (p_i - y_i)                        2 (p - y)",
            "dL/dW2[i,j] = dL/dp[i] h_j                         dL/dp h'",
            "dL/db2[i]   = dL/dp[i]                             dL/dp",
            "dL/dq[j]    = 1[q_j > 0] sum_i W2[i,j] dL/dp[i]    (W2' dL/dp) * 1[q > 0]",
            "dL/dW1[j,k] = dL/dq[j] x_k                         dL/dq x'",
            "dL/db1[j]   = dL/dq[j]                             dL/dq",
            "",
            "x = (2, 7)   y = (4, 5, 8)   W1 = [3 8; 4 5]   b1 = (4, 10)",
            "W2 = [11 4; 8 13; 6 10]      b2 = (9, 2, 15)",
            "q = h = (66, 53)             dL/dp = (1886, 2428, 1866)",
            "dL/dq[1] = 11*1886 + 8*2428 + 6*1866   = 51366    dL/dW1[1,1] = 2 * 51366",
            "dL/dq[2] =  4*1886 + 13*2428 + 10*1866 = 57768    dL/db1[2]   = 57768",
        ),
        quantities=(
            ("p", vector(predict(network, x))),
            ("L", f"{loss(network, x, y):,.0f}"),
            *(
                (f"dL/dW1[1,1], dL/db1[2]: {way}", f"{g['W1'][0, 0]:,.0f} and {g['b1'][1]:,.0f}")
                for way, g in ways.items()
            ),
        ),
        checks=tuple(
            Check(
                f"all four gradients: {way}, against the matrix form",
                max(difference(g[name], ours[name]) for name in NAMES),
                0,
            )
            for way, g in ways.items()
            if g is not ours
        ),
        source="worked by hand above.",
    )
