"""Less memory for the same training: blocks computed twice, products in sixteen bits."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from tunewise.backbones.model import Model
from tunewise.core.errors import InputError

PRODUCTS = (nn.Linear, Conv1D, nn.Conv2d)
"""Layers whose matrix is read by a product alone."""


def recompute_blocks(model: Model) -> None:
    """Keep of each block its input alone, and compute the rest again in the backward pass.

    The default generator is put back before a block is computed again, so dropout draws the
    same masks and the gradient is the same.

    Raises:
        InputError: this family of models cannot.
    """
    for path in model.backbones.values():
        backbone: Any = model.module.get_submodule(path)
        if not getattr(backbone, "supports_gradient_checkpointing", False):
            raise InputError(
                f"gradient_checkpointing: {type(backbone).__name__} has no blocks that can be "
                "computed again. Set it to false; accumulate also saves memory."
            )
        # Named otherwise in newer versions of the library, where the old name warns.
        new = getattr(backbone, "activation_checkpointing_enable", None)
        enable = new or backbone.gradient_checkpointing_enable
        enable({"use_reentrant": False})
        backbone.disable_input_require_grads()  # a gradient of frozen embeddings is of no use


def compute_in(model: Model, kind: torch.dtype) -> None:
    """Compute every call's matrix products in a format of sixteen bits, and all else in float32.

    Vectors, such as biases and norms, are kept in float32, and what a table of embeddings gives is
    brought to it.
    """
    autocast = _Autocast(kind)
    model.module.register_forward_pre_hook(autocast.enter)
    model.module.register_forward_hook(autocast.leave, always_call=True)
    for tensor in [*model.module.parameters(), *model.module.buffers()]:
        if tensor.ndim < 2 and tensor.dtype == kind:
            tensor.data = tensor.float()
    for layer in model.module.modules():
        if isinstance(layer, nn.Embedding):
            layer.register_forward_hook(lambda layer, args, output: output.float())


def is_autocast(hook: object) -> bool:
    """Whether a hook of a module is that of `compute_in`, which changes nothing but the format."""
    return isinstance(getattr(hook, "__self__", None), _Autocast)


def store_frozen_in(model: Model, kind: torch.dtype) -> None:
    """Keep frozen matrices in the format that products are computed in, and the rest in float32.

    No answer and no gradient changes: what a product alone reads is rounded there all the same.
    A matrix that something else reads too, such as a table of embeddings or an adapter of PEFT's,
    is kept so only where the checkpoint itself has it in this format.
    """
    layers = list(model.module.modules())
    tables = [layer for layer in layers if isinstance(layer, nn.Embedding)]
    adapted = [layer.base_layer for layer in layers if hasattr(layer, "base_layer")]
    able = {id(layer.weight) for layer in layers if isinstance(layer, PRODUCTS)}
    read_otherwise = {id(getattr(layer, "weight", None)) for layer in (*tables, *adapted)}
    able = able | read_otherwise if model.stored == kind else able - read_otherwise
    for weight in model.module.parameters():
        is_kept = id(weight) in able and weight.ndim > 1 and not weight.requires_grad
        if weight.is_floating_point():
            weight.data = weight.to(kind if is_kept else torch.float32)


class _Autocast:
    def __init__(self, kind: torch.dtype) -> None:
        self.kind = kind
        self.open: list[torch.autocast] = []

    def enter(self, module: nn.Module, args: Any) -> None:
        device = next(module.parameters()).device.type
        context = torch.autocast(device, dtype=self.kind)
        context.__enter__()
        self.open.append(context)

    def leave(self, module: nn.Module, args: Any, output: Any) -> None:
        if self.open:  # a call that failed before `enter` has none
            self.open.pop().__exit__(None, None, None)
