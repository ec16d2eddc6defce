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


class Layer(NamedTuple):
    """The parameters of a LoRA layer, by their letters."""

    W: Array
    A: Array
    B: Array
    s: float


class Gradients(NamedTuple):
    """Derivatives of the loss, each with the shape of its letter. W has none: it is frozen."""

    A: Array
    B: Array
    x: Array


def forward(layer: Layer, x: Array) -> Array:
    """The output of the separate form, ``W x + s B (A x)``, which never builds ``B A``."""
    W, A, B, s = layer
    return x @ W.T + s * (x @ A.T) @ B.T


def backward(layer: Layer, x: Array, g: Array) -> Gradients:
    """The three derivatives, from the chain rule.

    With u = A x (r values a token) and v = s B' g (likewise r values):

        dL/dB = s g u'        dL/dA = v x'        dL/dx = W' g + A' v

    Beside W x and W' g, which the frozen layer needs anyway, each product has a side of only r.
    """
    W, A, B, s = layer
    u, v = x @ A.T, s * (g @ B)
    return Gradients(A=_rows(v).T @ _rows(x), B=s * _rows(g).T @ _rows(u), x=g @ W + v @ A)


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def merged(layer: Layer) -> Array:
    """One matrix with the same function: ``W + s B A``, shape (d, k)."""
    W, A, B, s = layer
    return W + s * B @ A


def wengert_list(s: float) -> tuple[Step, ...]:
    """The same layer as a Wengert list over the names W, A, B and x."""
    return (
        Step("Wx", LINEAR, ("W", "x")),
        Step("Ax", LINEAR, ("A", "x")),
        Step("BAx", LINEAR, ("B", "Ax")),
        Step("y", scaled_sum(s), ("Wx", "BAx")),
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
