"""Time and memory of LoRA against full fine-tuning."""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tunewise.foundations.lora_costs import LinearLayer
from tunewise.foundations.optimisers import Adam
from tunewise.foundations.topic import Check, Topic

TOKENS = 256
COUNTED = LinearLayer(768, 768, rank=8)


class Separate(nn.Module):
    """W x + B A x with W frozen, as plain products, so that each can be counted."""

    def __init__(self, one: LinearLayer) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.randn(one.d, one.k), requires_grad=False)
        self.A = nn.Parameter(torch.randn(one.rank, one.k))
        self.B = nn.Parameter(torch.randn(one.d, one.rank))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.W.T + (x @ self.A.T) @ self.B.T


def train_once(module: nn.Module, x: Tensor) -> None:
    """Forward and backward, with the derivative in x that an earlier layer would need."""
    module.zero_grad()
    module(x.requires_grad_()).sum().backward()


def operations(module: nn.Module, x: Tensor) -> int:
    """What PyTorch counts in one forward and backward pass."""
    with FlopCounterMode(display=False) as counter:
        train_once(module, x)
    return int(counter.get_total_flops())


def seconds(module: nn.Module, x: Tensor, *, repeats: int = 9) -> float:
    """The median time of one forward and backward pass."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        train_once(module, x)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def bytes_of_state(module: nn.Module, x: Tensor) -> int:
    """Bytes of weights, gradients and Adam's two moments after one step."""
    train_once(module, x)
    held: list[Tensor] = list(module.parameters())
    for w in module.parameters():
        if w.grad is not None:
            state: dict[str, Any] = {}
            with torch.no_grad():
                Adam.update(w, w.grad, state, {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8})
            held += [w.grad, state["m"], state["v"]]
    return sum(tensor.nbytes for tensor in held)


def explain() -> Topic:
    one, x = COUNTED, torch.randn(TOKENS, COUNTED.k)
    full, lora = nn.Linear(one.k, one.d, bias=False), Separate(one)
    times = seconds(full, x), seconds(lora, x)

    return Topic(
        statement=(
            "LoRA saves memory where training keeps several copies of each trained number: the "
            "gradient and Adam's two moments exist only for A and B. It saves less time than "
            "memory: W x and W'g are still needed, only W's own gradient falls away, a third of "
            "the products. The activations that reach a trained layer are kept either way. In "
            "inference the separate form costs a little more than W alone, and the merged form "
            "nothing."
        ),
        derivation=(
            "operations a token   full      2dk (W x) + 2dk (W'g) + 2dk (g x') = 6dk",
            "                     LoRA      4dk + 6r(d + k)",
            "                     forward   2dk, separate 2dk + 2r(d + k), merged 2dk",
            "bytes, Adam, float32 full      4dk (weights, gradient, two moments) = 16dk",
            "                     LoRA      4dk + 16r(d + k)",
            "to build W + s B A   2dkr + 2dk, once, or in every step",
        ),
        numbers=(
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
