"""Optimizers by name, parameter groups, and the learning rate as a function of the step."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from tunewise.foundations.optimizers import OPTIMIZERS as OWN
from tunewise.training.settings import STEPS, Schedule, TrainingSettings

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "adamw": partial(torch.optim.AdamW, fused=True),  # fused: one pass a tensor
    "adam": partial(torch.optim.Adam, fused=True),
    "sgd": partial(torch.optim.SGD, fused=True),
    "adagrad": partial(torch.optim.Adagrad, fused=True),
    "adafactor": torch.optim.Adafactor,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "rmsprop": torch.optim.RMSprop,
    **OWN,
}


def make_optimizer(
    module: nn.Module, groups: list[dict[str, Any]], settings: TrainingSettings
) -> Optimizer:
    """The optimizer over a method's groups, each split by whether weights decay.

    A group names its parameters under ``params`` and may scale the learning rate by ``rate``.
    Vectors (biases, norms) do not decay: shrinking them changes scale, not complexity. Decay is
    taken off the weight by adamw and adafactor, and added to the gradient by all others, as torch
    has it; our own rules do as torch's of the same names.
    """
    by_name = dict(module.named_parameters())
    split = []
    for group in groups:
        named = [by_name[name] for name in group["params"]]
        matrices = [weight for weight in named if weight.ndim >= 2]
        vectors = [weight for weight in named if weight.ndim < 2]
        for weights, decay in ((matrices, settings.weight_decay), (vectors, 0.0)):
            split.append({"params": weights, "rate": group.get("rate", 1.0), "weight_decay": decay})
    filled = [group for group in split if group["params"]]
    rule = STEPS if settings.optimizer == "auto" else settings.optimizer
    return OPTIMIZERS[rule](filled, lr=0.0)


def set_learning_rate(optimizer: Optimizer, learning_rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["rate"]


def learning_rate_at(step: int, steps: int, settings: TrainingSettings, peak: float) -> float:
    """The learning rate of a step, counted from 1, of `steps` in all.

    It rises linearly over the warm-up, reaching `peak` at its last step, then falls to zero
    linearly or along half a cosine, or stays. The step after the last would have rate zero.

    >>> settings = TrainingSettings(warmup=0.5)
    >>> [learning_rate_at(step, 4, settings, 1.0) for step in (1, 2, 3, 4)]
    [0.5, 1.0, 1.0, 0.5]
    """
    warm = math.ceil(settings.warmup * steps)
    if step <= warm:
        return peak * step / warm
    return decayed((step - 1 - warm) / (steps - warm), settings.schedule, peak)


def decayed(done: float, schedule: Schedule, peak: float) -> float:
    """The learning rate when this fraction of the decay is over."""
    match schedule:
        case "linear":
            return peak * (1 - done)
        case "cosine":
            return peak * (1 + math.cos(math.pi * done)) / 2
        case "constant":
            return peak
