"""AdaLoRA between the steps: its penalty, and the ranks it moves from layer to layer."""

from __future__ import annotations

import torch
from torch import Tensor

from tunewise.backbones.model import Model
from tunewise.core.errors import InputError
from tunewise.methods.base import State
from tunewise.methods.peft_model import ADAPTER

AVERAGES = ("ipt", "exp_avg_ipt", "exp_avg_unc")  # the allocator's, one tensor a weight each


def begin(model: Model, steps: int) -> None:
    """Tell the allocator how long it has.

    Raises:
        InputError: between tinit and tfinal no step is left to allocate in.
    """
    config = model.adapter.config
    if config.tinit + config.tfinal >= steps:
        raise InputError(
            f"ADALORA: tinit = {config.tinit} and tfinal = {config.tfinal} leave none of the "
            f"{steps} steps to allocate ranks in."
        )
    config.total_step = steps


def penalty(model: Model) -> Tensor | None:
    """How far the singular vectors are from orthogonal, as PEFT adds it to the loss.

    Computes ``gamma mean(|A A' - I|_F, |B' B - I|_F)`` over all adapted layers.

    Source: Zhang et al. 2023, arXiv:2303.10512, equation 4 (there squared), as in PEFT's code.
    """
    config = model.adapter.config
    if config.orth_reg_weight == 0:
        return None
    norms = []
    for name, weight in model.module.named_parameters():
        if name.endswith((f"lora_A.{ADAPTER}", f"lora_B.{ADAPTER}")):
            gram = weight @ weight.T if "lora_A" in name else weight.T @ weight
            norms.append(torch.norm(gram - torch.eye(len(gram), device=gram.device)))
    return config.orth_reg_weight * torch.stack(norms).mean()


def after_step(model: Model, step: int) -> None:
    """Weigh every singular value by its gradient, and set the least important to zero."""
    model.adapter.tuner.update_and_allocate(step)


def state(model: Model) -> State:
    allocator = model.adapter.tuner.rankallocator
    tensors = {
        f"{average}.{name}": tensor
        for average in AVERAGES
        for name, tensor in getattr(allocator, average).items()
    }
    return State(tensors, {"rank_pattern": model.adapter.config.rank_pattern})


def restore(model: Model, found: State) -> None:
    allocator = model.adapter.tuner.rankallocator
    for average in AVERAGES:
        start = f"{average}."
        own = {n.removeprefix(start): t for n, t in found.tensors.items() if n.startswith(start)}
        setattr(allocator, average, {name: tensor.to(model.device) for name, tensor in own.items()})
    model.adapter.config.rank_pattern = found.scalars["rank_pattern"]
