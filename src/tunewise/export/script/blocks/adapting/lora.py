"""LoRA through PEFT."""

from __future__ import annotations

import argparse
import math
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import nn

from tunewise.export.script.blocks.batches import derive_seed
from tunewise.export.script.blocks.constants import (
    ALPHA,
    ALPHA_PATTERN,
    LORA_DROPOUT,
    MODULES_TO_SAVE,
    RANK,
    RANK_PATTERN,
    RATIO,
    TARGET_MODULES,
    TASK_TYPE,
    USE_RSLORA,
)
from tunewise.export.script.blocks.decided import HAS_ALPHAS, HAS_RANKS, HAS_RATIO, TRANSPOSED

Groups = list[tuple[float, list[nn.Parameter]]]


def adapt_model(model: nn.Module, tokenizer: Any, args: argparse.Namespace) -> nn.Module:
    """Freeze the model and put a trained low-rank correction beside each target (Hu et al. 2021).

    Computes y = W x + (alpha / rank) B A dropout(x). B starts at zero, so that training starts
    from the pretrained model.
    """
    config = LoraConfig(
        task_type=TASK_TYPE,
        r=RANK,
        lora_alpha=ALPHA,
        lora_dropout=LORA_DROPOUT,
        use_rslora=USE_RSLORA,  # scales by alpha / sqrt(rank)
        target_modules=TARGET_MODULES,
        modules_to_save=MODULES_TO_SAVE,
    )
    if TRANSPOSED:
        config.fan_in_fan_out = True  # the model keeps weights as (in, out)
    if HAS_RANKS:
        config.rank_pattern = RANK_PATTERN
    if HAS_ALPHAS:
        config.alpha_pattern = ALPHA_PATTERN
    peft_model = get_peft_model(model, config)
    # PEFT has drawn each A after other numbers; from the seed alone they can be drawn again.
    torch.manual_seed(derive_seed(args.seed, "method"))
    for layer in peft_model.modules():
        if isinstance(layer, LoraLayer):
            nn.init.kaiming_uniform_(layer.lora_A["default"].weight, a=math.sqrt(5))
    return peft_model


def trained_groups(model: nn.Module) -> Groups:
    """The trained parameters, with a factor on their learning rate."""
    trained = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    if HAS_RATIO:
        # LoRA+ (Hayou et al. 2024): B learns faster than A.
        return [
            (1.0, [weight for name, weight in trained if "lora_B" not in name]),
            (RATIO, [weight for name, weight in trained if "lora_B" in name]),
        ]
    else:
        return [(1.0, [weight for _, weight in trained])]
