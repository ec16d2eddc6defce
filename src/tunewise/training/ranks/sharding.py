"""Weights, gradients and the optimizer's state in slices, one on each rank (FSDP2).

A block's weights are put together for as long as the block computes, and taken apart again. Where
the modules are, what they are called and how they compute stays as it was; parameters are DTensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from tunewise.backbones.model import Model
from tunewise.backbones.modules import blocks
from tunewise.training.ranks.group import Ranks


def shard(model: Model, ranks: Ranks) -> Ranks:
    """Leave on this rank its slice of each parameter, on the device that it computes on.

    Gradients are summed over the ranks as they are computed, block by block: a loss is divided by
    the targets of the whole step.

    Args:
        model: whole, on the CPU, with its method applied.
        ranks: which all call this, with the same model.

    Returns:
        The ranks, which now answer and step together.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    mesh = init_device_mesh(device, (ranks.size,))
    for path in blocks(model):
        fully_shard(model.module.get_submodule(path), mesh=mesh)
    # What is outside of the blocks is taken apart as well: between two calls all is in slices.
    fully_shard(model.module, mesh=mesh, reshard_after_forward=True)
    for layer in model.module.modules():
        if isinstance(layer, FSDPModule):
            layer.set_gradient_divide_factor(1.0)
            layer.set_force_sum_reduction_for_comms(True)
    return Ranks(ranks.rank, ranks.size, shards=True)


def whole(tensors: Mapping[str, Tensor], ranks: Ranks) -> dict[str, Tensor]:
    """Tensors put together on the CPU of the first rank, which is to write them.

    All ranks call this with the same names; the others are given nothing. Where nothing is sharded
    they are given as they are.
    """
    if not ranks.shards:
        return dict(tensors)
    found = {}
    for name, tensor in tensors.items():  # one after the other: on a GPU there is room for few
        together = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
        if ranks.is_first:
            found[name] = together.cpu()
    return found


def sliced(tensor: Tensor, like: Tensor) -> Tensor:
    """The slice of a tensor that a rank holds of `like`; itself where nothing is to be cut."""
    if isinstance(tensor, DTensor) or not isinstance(like, DTensor):
        return tensor
    there = tensor.to(device=like.device, dtype=like.dtype)
    return distribute_tensor(there, like.device_mesh, like.placements, src_data_rank=None)


def here(tensor: Tensor) -> Tensor:
    """What of a tensor lies on this rank."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def value_of(scalar: Tensor) -> float:
    """The value of a tensor with one element, which may be in pieces."""
    together: Any = scalar.full_tensor() if isinstance(scalar, DTensor) else scalar
    return float(together.item())
