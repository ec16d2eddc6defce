"""Any adapter of PEFT."""

from __future__ import annotations

import argparse
from typing import Any

import torch
from peft import PEFT_TYPE_TO_CONFIG_MAPPING, get_peft_model
from torch import Tensor, nn

from tunewise.export.script.blocks.batches import derive_seed
from tunewise.export.script.blocks.constants import (
    MODULES_TO_SAVE,
    PEFT_SETTINGS,
    PEFT_TYPE,
    TASK_TYPE,
)
from tunewise.export.script.blocks.decided import IS_ADALORA


def adapt_model(model: nn.Module, tokenizer: Any, args: argparse.Namespace) -> nn.Module:
    """Put PEFT's adapter into the model, its weights drawn from the seed."""
    config = PEFT_TYPE_TO_CONFIG_MAPPING[PEFT_TYPE](
        task_type=TASK_TYPE, modules_to_save=MODULES_TO_SAVE, **PEFT_SETTINGS
    )
    torch.manual_seed(derive_seed(args.seed, "method"))
    peft_model: nn.Module = get_peft_model(model, config)
    if IS_ADALORA:
        for name, weight in peft_model.named_parameters():
            if ".ranknum." in name:
                weight.requires_grad = False  # a count, not a weight
    return peft_model


def begin_adalora(model: Any, steps: int) -> None:
    """Tell AdaLoRA's allocator how long it has."""
    model.peft_config["default"].total_step = steps


def orthogonality(model: Any) -> Tensor | None:
    """What AdaLoRA adds to the loss: how far its singular vectors are from orthogonal."""
    weight = model.peft_config["default"].orth_reg_weight
    if weight == 0:
        return None
    norms = []
    for name, factor in model.named_parameters():
        if name.endswith(("lora_A.default", "lora_B.default")):
            gram = factor @ factor.T if "lora_A" in name else factor.T @ factor
            norms.append(torch.norm(gram - torch.eye(len(gram), device=gram.device)))
    found: Tensor = weight * torch.stack(norms).mean()
    return found


def allocate_ranks(model: Any, step: int) -> None:
    """Weigh every singular value by its gradient, and set the least important to zero."""
    model.base_model.update_and_allocate(step)
