"""The equations of a LoRA layer, forwards and backwards.

    y = W x + s B A x        s = alpha / r

    W (d, k)  frozen         A (r, k), B (d, r)  trained
    x (..., k)               y (..., d)          g = dL/dy, shape of y

Sums over the leading dimensions of x are sums over tokens.

Source: Hu et al. 2021, arXiv:2106.09685, section 4.1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tunewise.foundations.autodiff import LINEAR, Array, Step, scaled_sum


class Gradients(NamedTuple):
    """Derivatives of the loss, each with the shape of its letter. W has none: it is frozen."""

    A: Array
    B: Array
    x: Array


def forward(x: Array, W: Array, A: Array, B: Array, s: float) -> Array:
    """The output of the separate form, ``W x + s B (A x)``, which never builds ``B A``."""
    return x @ W.T + s * (x @ A.T) @ B.T


def backward(g: Array, x: Array, W: Array, A: Array, B: Array, s: float) -> Gradients:
    """The three derivatives, from the chain rule.

    With u = A x (r numbers a token) and v = s B' g (likewise r numbers):

        dL/dB = s g u'        dL/dA = v x'        dL/dx = W' g + A' v

    Beside the product with W that any layer needs, nothing larger than r is multiplied.
    """
    u, v = x @ A.T, s * (g @ B)
    rows_g, rows_x = g.reshape(-1, g.shape[-1]), x.reshape(-1, x.shape[-1])
    rows_u, rows_v = u.reshape(-1, u.shape[-1]), v.reshape(-1, v.shape[-1])
    return Gradients(A=rows_v.T @ rows_x, B=s * rows_g.T @ rows_u, x=g @ W + v @ A)


def merged(W: Array, A: Array, B: Array, s: float) -> Array:
    """One matrix with the same function: ``W + s B A``, shape (d, k)."""
    return W + s * B @ A


def wengert_list(s: float) -> tuple[Step, ...]:
    """The same layer as a Wengert list over the names W, A, B and x."""
    return (
        Step("z", LINEAR, ("W", "x")),
        Step("u", LINEAR, ("A", "x")),
        Step("w", LINEAR, ("B", "u")),
        Step("y", scaled_sum(s), ("z", "w")),
    )


def lora_scale(alpha: float, rank: int) -> float:
    """The factor ``alpha / r``.

    >>> [lora_scale(32, r) for r in (1, 16, 256)]
    [32.0, 2.0, 0.125]
    """
    return alpha / rank


def rslora_scale(alpha: float, rank: int) -> float:
    """The factor ``alpha / sqrt(r)``, under which an update's size does not depend on the rank.

    Source: Kalajdzievski 2023, arXiv:2312.03732.

    >>> [rslora_scale(32, r) for r in (1, 16, 256)]
    [32.0, 8.0, 2.0]
    """
    return alpha / math.sqrt(rank)
