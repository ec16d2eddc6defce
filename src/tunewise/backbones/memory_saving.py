"""Less memory for the same training: blocks computed twice, products in sixteen bits."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tunewise.backbones.model import Model
from tunewise.core.errors import InputError


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


def compute_in(module: nn.Module, kind: torch.dtype) -> None:
    """Run every call of the module under autocast; parameters and gradients keep their type."""
    autocast = _Autocast(kind)
    module.register_forward_pre_hook(autocast.enter)
    module.register_forward_hook(autocast.leave, always_call=True)


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
