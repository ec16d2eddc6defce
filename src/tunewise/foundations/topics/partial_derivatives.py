"""The partial derivatives of a small network, index by index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from tunewise.foundations.autodiff import Array, finite_difference
from tunewise.foundations.network import (
    Network,
    loss,
    predict,
    sgd_update,
    wengert,
    worked_instance,
)
from tunewise.foundations.topic import Check, Topic, difference, vector

RATE = 1e-9
NAMES = ("p", "W2", "b2", "h", "q", "W1", "b1", "x")


def local(network: Network, x: Array, y: Array) -> dict[str, Array]:
    """The eight derivatives of one step each, as arrays over all their indices.

    Shapes:
        dL/dp (i), dp/dW2 (i, a, j), dp/db2 (i, a), dp/dh (i, j), dh/dq (j, b),
        dq/dW1 (j, b, k), dq/db1 (j, b), dq/dx (j, k); a is an output, b a hidden unit
    """
    q = network.W1 @ x + network.b1
    h = np.maximum(q, 0)
    outputs, hidden = np.eye(len(network.b2)), np.eye(len(network.b1))
    return {
        "dL/dp": 2 * (predict(network, x) - y),
        "dp/dW2": np.einsum("ia,j->iaj", outputs, h),
        "dp/db2": outputs,
        "dp/dh": network.W2,
        "dh/dq": hidden * (q > 0),
        "dq/dW1": np.einsum("jb,k->jbk", hidden, x),
        "dq/db1": hidden,
        "dq/dx": network.W1,
    }


def chained(one: dict[str, Array]) -> dict[str, Array]:
    """The derivative of L in each of the eight arrays: sums over the paths that lead to it."""
    dp = one["dL/dp"]
    dh = np.einsum("i,ij->j", dp, one["dp/dh"])
    dq = np.einsum("j,jb->b", dh, one["dh/dq"])
    return {
        "p": dp,
        "W2": np.einsum("i,iaj->aj", dp, one["dp/dW2"]),
        "b2": np.einsum("i,ia->a", dp, one["dp/db2"]),
        "h": dh,
        "q": dq,
        "W1": np.einsum("j,jbk->bk", dq, one["dq/dW1"]),
        "b1": np.einsum("j,jb->b", dq, one["dq/db1"]),
        "x": np.einsum("j,jk->k", dq, one["dq/dx"]),
    }


def by_differences(network: Network, x: Array, y: Array) -> dict[str, Array]:
    """The eight local derivatives by central differences of the step they belong to."""
    W1, b1, W2, b2 = network.W1, network.b1, network.W2, network.b2
    q = W1 @ x + b1
    h = np.maximum(q, 0)
    p = W2 @ h + b2
    steps: dict[str, tuple[Callable[[Array], Array], Array]] = {
        "dL/dp": (lambda v: np.asarray((v - y) @ (v - y)), p),
        "dp/dW2": (lambda v: v @ h + b2, W2),
        "dp/db2": (lambda v: W2 @ h + v, b2),
        "dp/dh": (lambda v: W2 @ v + b2, h),
        "dh/dq": (lambda v: np.maximum(v, 0), q),
        "dq/dW1": (lambda v: v @ x + b1, W1),
        "dq/db1": (lambda v: W1 @ x + v, b1),
        "dq/dx": (lambda v: W1 @ v + b1, x),
    }
    return {name: _jacobian(step, at) for name, (step, at) in steps.items()}


def _jacobian(step: Callable[[Array], Array], at: Array) -> Array:
    """Entry by entry: the indices of the output first, then those of the input."""
    outputs = step(at).shape
    found = np.empty((*outputs, *at.shape))
    for out in np.ndindex(outputs):
        for place in np.ndindex(at.shape):
            found[(*out, *place)] = finite_difference(
                lambda v, out=out: float(step(v)[out]),  # type: ignore[misc]
                at,
                place,
            )
    return found


def explain() -> Topic:
    network, x, y = worked_instance()
    one = local(network, x, y)
    whole, listed, numeric = chained(one), wengert(network, x, y), by_differences(network, x, y)
    after = sgd_update(network, x, y, RATE)

    return Topic(
        statement=(
            "Each step of q = W1 x + b1, h = ReLU(q), p = W2 h + b2, L = |p - y|^2 has its own "
            "partial derivatives, eight in all, written here with every index. A step that acts "
            "on each entry alone, or reads one row of a matrix, has a Kronecker delta: d(i,a) is "
            "1 where i = a and else 0. The chain rule sums over every index between L and what "
            "is asked; the deltas then strike out all terms but one, which is how the short "
            "forms of the topic `gradients` come about."
        ),
        derivation=(
            "of one step                             of the loss, summed over i, j",
            "1 dL/dp_i       = 2 (p_i - y_i)         dL/dp_i     = 2 (p_i - y_i)",
            "2 dp_i/dW2[a,j] = d(i,a) h_j            dL/dW2[a,j] = dL/dp_a h_j",
            "3 dp_i/db2[a]   = d(i,a)                dL/db2[a]   = dL/dp_a",
            "4 dp_i/dh_j     = W2[i,j]               dL/dh_j     = sum_i dL/dp_i W2[i,j]",
            "5 dh_j/dq_b     = d(j,b) 1[q_j > 0]     dL/dq_b     = dL/dh_b 1[q_b > 0]",
            "6 dq_j/dW1[b,k] = d(j,b) x_k            dL/dW1[b,k] = dL/dq_b x_k",
            "7 dq_j/db1[b]   = d(j,b)                dL/db1[b]   = dL/dq_b",
            "8 dq_j/dx_k     = W1[j,k]               dL/dx_k     = sum_j dL/dq_j W1[j,k]",
            "",
            "the update for one example, with the rate r, all from the values before it:",
            "W2[a,j] <- W2[a,j] - r 2 (p_a - y_a) h_j",
            "b2[a]   <- b2[a]   - r 2 (p_a - y_a)",
            "W1[b,k] <- W1[b,k] - r 1[q_b > 0] x_k sum_i 2 (p_i - y_i) W2[i,b]",
            "b1[b]   <- b1[b]   - r 1[q_b > 0]     sum_i 2 (p_i - y_i) W2[i,b]",
        ),
        quantities=(
            *_by_row("dL/d", whole, NAMES, vector),
            ("after the update, with the rate", f"{RATE:g}"),
            *_by_row("", vars(after), ("W1", "b1", "W2", "b2"), _digits),
            ("L before and after", f"{loss(network, x, y):,.0f} and {loss(after, x, y):,.2f}"),
        ),
        checks=(
            Check(
                "the eight of one step, every index, against differences",
                max(difference(one[name], numeric[name]) for name in one),
                1e-4,
            ),
            Check(
                "the eight of the loss, against the Wengert list",
                max(difference(whole[name], listed[name]) for name in NAMES),
                0,
            ),
            Check(
                "the update of W1[1,1] by the formula above",
                abs(after.W1[0, 0] - (network.W1[0, 0] - RATE * x[0] * whole["q"][0])),
                1e-12,
            ),
        ),
        source="worked by hand above; gradients of matrices are listed row by row.",
    )


def _by_row(
    before: str, arrays: Mapping[str, Array], names: Sequence[str], shown: Callable[[Array], str]
) -> Iterator[tuple[str, str]]:
    """Each array as a line, a matrix as a line for each row."""
    for name in names:
        rows = np.asarray(arrays[name])
        for number, row in enumerate(np.atleast_2d(rows), 1):
            yield f"{before}{name}{f', row {number}' if rows.ndim > 1 else ''}", shown(row)


def _digits(values: Array) -> str:
    return "(" + ", ".join(f"{value:.9f}".rstrip("0") for value in values.ravel()) + ")"
