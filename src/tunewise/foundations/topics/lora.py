"""A LoRA layer, forwards and backwards."""

from __future__ import annotations

import numpy as np
import torch

from tunewise.foundations import autodiff
from tunewise.foundations.lora_algebra import (
    Gradients,
    Layer,
    backward,
    forward,
    merged,
    wengert_list,
)
from tunewise.foundations.topic import Check, Topic, difference

STATEMENT = (
    "A frozen matrix W gets a correction of rank r beside it: y = W x + s B A x, s = "
    "alpha / r. B starts at zero, so step 0 is exactly the pretrained layer; then only B "
    "has a gradient, and A follows once B has moved. No gradient of the size of W is "
    "ever formed: all that A and B need passes through r values a token."
)
DERIVATION = (
    "forward    u = A x                  y = W x + s B u",
    "backward   g = dL/dy                v = s B'g",
    "           dL/dB = s g u'           dL/dA = v x'     (sums over tokens)",
    "           dL/dx = W'g + A'v",
    "why        dL = g'dy = g'(s dB u + s B dA x + (W + s B A) dx)",
    "           read off what multiplies dB, dA and dx",
)


def by_pytorch(layer: Layer, x: autodiff.Array, g: autodiff.Array) -> Gradients:
    """The same derivatives from automatic differentiation of ``x (W + s B A)'``."""
    A, B, inputs = (torch.tensor(array, requires_grad=True) for array in (layer.A, layer.B, x))
    y = inputs @ (torch.tensor(layer.W) + layer.s * B @ A).T
    return Gradients(
        *(np.asarray(d) for d in torch.autograd.grad(y, (A, B, inputs), torch.tensor(g)))
    )


def by_wengert(layer: Layer, x: autodiff.Array, g: autodiff.Array) -> Gradients:
    """The same from the layer's Wengert list."""
    steps = wengert_list(layer.s)
    given = {"W": layer.W, "A": layer.A, "B": layer.B, "x": x}
    found = autodiff.backward(steps, autodiff.forward(steps, given), g)
    return Gradients(found["A"], found["B"], found["x"])


def explain() -> Topic:
    rng = np.random.default_rng(0)
    d, k, r, alpha, tokens = 48, 32, 4, 16, (3, 10)
    layer = Layer(
        rng.normal(size=(d, k)), rng.normal(size=(r, k)), rng.normal(size=(d, r)), alpha / r
    )
    start = layer._replace(B=np.zeros((d, r)))
    x, g = rng.normal(size=(*tokens, k)), rng.normal(size=(*tokens, d))
    ours, first = backward(layer, x, g), backward(start, x, g)

    return Topic(
        statement=STATEMENT,
        derivation=DERIVATION,
        quantities=(
            ("W (d, k), rank, tokens", f"({d}, {k}), {r}, {tokens[0] * tokens[1]}"),
            ("at the start, B = 0: |dL/dA|", f"{np.linalg.norm(first.A):.4g}"),
            ("at the start, B = 0: |dL/dB|", f"{np.linalg.norm(first.B):.4g}"),
            ("numbers in dL/dA and dL/dB", f"{ours.A.size + ours.B.size}"),
            ("numbers in dL/dW, never formed", f"{layer.W.size}"),
        ),
        checks=(
            *(
                Check(
                    f"dL/d{name} against PyTorch, on the merged form",
                    difference(mine, theirs),
                    1e-10,
                )
                for name, mine, theirs in zip("ABx", ours, by_pytorch(layer, x, g), strict=True)
            ),
            Check(
                "all three against the Wengert list",
                max(map(difference, ours, by_wengert(layer, x, g))),
                1e-10,
            ),
            Check(
                "B = 0: the layer is the frozen one",
                difference(forward(start, x), x @ layer.W.T),
                0,
            ),
            Check(
                "merged, W + s B A: the same outputs",
                difference(x @ merged(layer).T, forward(layer, x)),
                1e-10,
            ),
        ),
        source="Hu et al. 2021, arXiv:2106.09685, section 4.1; equations derived here.",
    )
