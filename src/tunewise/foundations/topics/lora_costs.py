"""Time and memory of LoRA against full fine-tuning."""

from __future__ import annotations

import statistics
import time
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from tunewise.foundations.lora_costs import LinearLayer
from tunewise.foundations.optimizers import Adam
from tunewise.foundations.topic import Check, Topic

TOKENS = 256
COUNTED = LinearLayer(768, 768, rank=8)
STATEMENT = (
    "LoRA saves memory where training keeps several copies of each trainable parameter: the "
    "gradient and Adam's two moments exist only for A and B. It saves less time than "
    "memory: W x and W'g are still needed, only W's own gradient falls away, a third of "
    "the products. The activations that reach a trained layer are kept either way. In "
    "inference the separate form costs a little more than W alone, and the merged form "
    "nothing."
)
DERIVATION = (
    "operations a token   full      2dk (W x) + 2dk (W'g) + 2dk (g x') = 6dk",
    "                     LoRA      4dk + 6r(d + k)",
    "                     forward   2dk, separate 2dk + 2r(d + k), merged 2dk",
    "bytes, Adam, float32 full      4dk (weights, gradient, two moments) = 16dk",
    "                     LoRA      4dk + 16r(d + k)",
    "to build W + s B A   2dkr + 2dk, once, or in every step",
)


class Weights(NamedTuple):
    """A layer as plain tensors, those that are trained and those that are not.

    No ``nn.Module``: counting operations inside one would first import PyTorch's compiler.
    """

    frozen: tuple[Tensor, ...]
    trained: tuple[Tensor, ...]

    def forward(self, x: Tensor) -> Tensor:
        """W x if W is trained; W x + B (A x) if W is frozen and A and B are trained."""
        if not self.frozen:
            return x @ self.trained[0].T
        A, B = self.trained
        return x @ self.frozen[0].T + (x @ A.T) @ B.T


def full_layer(one: LinearLayer) -> Weights:
    return Weights((), (torch.randn(one.d, one.k, requires_grad=True),))


def lora_layer(one: LinearLayer) -> Weights:
    shapes = (one.rank, one.k), (one.d, one.rank)
    A, B = (torch.randn(shape, requires_grad=True) for shape in shapes)
    return Weights((torch.randn(one.d, one.k),), (A, B))


def gradients(layer: Weights, x: Tensor) -> tuple[Tensor, ...]:
    """Forward and backward: the trained weights' gradients, after the one that x needs."""
    _, *found = torch.autograd.grad(layer.forward(x).sum(), (x, *layer.trained))
    return tuple(found)


def operations(layer: Weights, x: Tensor) -> int:
    """What PyTorch counts in one forward and backward pass."""
    with FlopCounterMode(display=False) as counter:
        gradients(layer, x)
    return int(counter.get_total_flops())


def seconds(layer: Weights, x: Tensor, *, repeats: int = 9) -> float:
    """The median time of one forward and backward pass."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        gradients(layer, x)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def bytes_of_state(layer: Weights, x: Tensor) -> int:
    """Bytes of weights, gradients and Adam's two moments after one step."""
    held = [*layer.frozen, *layer.trained]
    for w, g in zip(layer.trained, gradients(layer, x), strict=True):
        state: dict[str, Any] = {}
        with torch.no_grad():
            Adam.update(w, g, state, {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8})
        held += [g, state["m"], state["v"]]
    return sum(tensor.nbytes for tensor in held)


def explain() -> Topic:
    one, x = COUNTED, torch.randn(TOKENS, COUNTED.k, requires_grad=True)
    full, lora = full_layer(one), lora_layer(one)
    times = seconds(full, x), seconds(lora, x)

    return Topic(
        statement=STATEMENT,
        derivation=DERIVATION,
        quantities=(
            ("d, k, rank, tokens", f"{one.d}, {one.k}, {one.rank}, {TOKENS}"),
            ("operations a token, full", f"{one.operations_full():,}"),
            ("operations a token, LoRA", f"{one.operations_lora():,}"),
            ("LoRA over full, operations", f"{one.operations_lora() / one.operations_full():.3f}"),
            ("LoRA over full, time measured just now", f"{times[1] / times[0]:.3f}"),
            ("bytes, full and LoRA", f"{one.bytes_full():,} and {one.bytes_lora():,}"),
            ("LoRA over full, bytes", f"{one.bytes_lora() / one.bytes_full():.3f}"),
            (
                "inference, separate over merged, operations",
                f"{one.operations_separate() / one.operations_merged():.3f}",
            ),
            ("operations to build W + s B A once", f"{one.operations_to_merge():,}"),
        ),
        checks=(
            Check(
                "operations in full, against PyTorch's own count",
                abs(operations(full, x) - TOKENS * one.operations_full()),
                0,
            ),
            Check(
                "operations of LoRA, against PyTorch's own count",
                abs(operations(lora, x) - TOKENS * one.operations_lora()),
                0,
            ),
            Check(
                "bytes in full, against the tensors after a step",
                abs(bytes_of_state(full, x) - one.bytes_full()),
                0,
            ),
            Check(
                "bytes of LoRA, against the tensors after a step",
                abs(bytes_of_state(lora, x) - one.bytes_lora()),
                0,
            ),
        ),
        source="counted here.",
    )
