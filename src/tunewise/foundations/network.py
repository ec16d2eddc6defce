"""A network of two layers, its gradients by hand, and the same by a Wengert list.

    q = W1 x + b1      W1 (m, k)   b1 (m,)   x (k,)
    h = ReLU(q)
    p = W2 h + b2      W2 (o, m)   b2 (o,)
    L = (p - y)'(p - y)                      y (o,)

Indices in formulas count from 1, as on paper; in code from 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tunewise.foundations.autodiff import (
    AFFINE,
    RELU,
    SQUARED_DISTANCE,
    Array,
    Step,
    backward,
    finite_difference,
    forward,
)


@dataclass(frozen=True)
class Network:
    """The four trained arrays."""

    W1: Array
    b1: Array
    W2: Array
    b2: Array


NAMES = ("W1", "b1", "W2", "b2")

STEPS = (
    Step("q", AFFINE, ("W1", "x", "b1")),
    Step("h", RELU, ("q",)),
    Step("p", AFFINE, ("W2", "h", "b2")),
    Step("L", SQUARED_DISTANCE, ("p", "y")),
)


def worked_instance() -> tuple[Network, Array, Array]:
    """Small whole numbers, so that every value can be followed on paper."""
    network = Network(
        W1=np.array([[3.0, 8.0], [4.0, 5.0]]),
        b1=np.array([4.0, 10.0]),
        W2=np.array([[11.0, 4.0], [8.0, 13.0], [6.0, 10.0]]),
        b2=np.array([9.0, 2.0, 15.0]),
    )
    return network, np.array([2.0, 7.0]), np.array([4.0, 5.0, 8.0])


def predict(network: Network, x: Array) -> Array:
    """The output p, shape (o,)."""
    return network.W2 @ np.maximum(network.W1 @ x + network.b1, 0) + network.b2


def loss(network: Network, x: Array, y: Array) -> float:
    r = predict(network, x) - y
    return float(r @ r)


def symbolic(network: Network, x: Array, y: Array) -> dict[str, Array]:
    """The gradients in matrix form, from the loss backwards.

    dL/dp = 2 (p - y)                 dL/dW2 = dL/dp h'      dL/db2 = dL/dp
    dL/dq = W2' dL/dp * 1[q > 0]      dL/dW1 = dL/dq x'      dL/db1 = dL/dq
    """
    q = network.W1 @ x + network.b1
    h = np.maximum(q, 0)
    dp = 2 * (network.W2 @ h + network.b2 - y)
    dq = network.W2.T @ dp * (q > 0)
    return {"W1": np.outer(dq, x), "b1": dq, "W2": np.outer(dp, h), "b2": dp, "q": dq}


def symbolic_by_index(network: Network, x: Array, y: Array) -> dict[str, Array]:
    """The same entry by entry.

    dL/dW2[i,j] = 2 (p_i - y_i) h_j                     dL/db2[i] = 2 (p_i - y_i)
    dL/dq[j]    = sum_i 2 (p_i - y_i) W2[i,j] 1[q_j > 0]
    dL/dW1[j,k] = dL/dq[j] x_k                          dL/db1[j] = dL/dq[j]
    """
    W1, b1, W2, b2 = network.W1, network.b1, network.W2, network.b2
    outputs, hidden, inputs = len(b2), len(b1), len(x)
    q = [sum(W1[j, k] * x[k] for k in range(inputs)) + b1[j] for j in range(hidden)]
    h = [max(q[j], 0.0) for j in range(hidden)]
    p = [sum(W2[i, j] * h[j] for j in range(hidden)) + b2[i] for i in range(outputs)]
    db2 = [2 * (p[i] - y[i]) for i in range(outputs)]
    dq = [sum(db2[i] * W2[i, j] for i in range(outputs)) * (q[j] > 0) for j in range(hidden)]
    return {
        "W1": np.array([[dq[j] * x[k] for k in range(inputs)] for j in range(hidden)]),
        "b1": np.array(dq),
        "W2": np.array([[db2[i] * h[j] for j in range(hidden)] for i in range(outputs)]),
        "b2": np.array(db2),
        "q": np.array(dq),
    }


def wengert(network: Network, x: Array, y: Array) -> dict[str, Array]:
    """The derivative of L in every name of the list, x and y included."""
    given = {name: getattr(network, name) for name in NAMES}
    return backward(STEPS, forward(STEPS, {**given, "x": x, "y": y}))


def by_differences(network: Network, x: Array, y: Array) -> dict[str, Array]:
    """The gradients of the four trained arrays by central differences.

    L is quadratic in any one entry while no q_j changes its sign, so they are exact there.
    """
    gradients = {}
    for name in NAMES:
        at: Array = getattr(network, name)
        f = _loss_as_function_of(name, network, x, y)
        entries = [finite_difference(f, at, place) for place in np.ndindex(at.shape)]
        gradients[name] = np.array(entries).reshape(at.shape)
    return gradients


def _loss_as_function_of(
    name: str, network: Network, x: Array, y: Array
) -> Callable[[Array], float]:
    return lambda value: loss(replace(network, **{name: value}), x, y)


def sgd_update(network: Network, x: Array, y: Array, rate: float) -> Network:
    """All four arrays after one step of SGD on one example.

    For one weight: W1[j,k] <- W1[j,k] - rate * sum_i 2 (p_i - y_i) W2[i,j] 1[q_j > 0] x_k
    """
    g = symbolic(network, x, y)
    return Network(**{name: getattr(network, name) - rate * g[name] for name in NAMES})
