"""The model that a script trains, ready for its first step."""

from __future__ import annotations

import argparse
from typing import Any

import torch
from torch import nn

from tunewise.export.script.blocks.adapting.named import adapt_model
from tunewise.export.script.blocks.classification import build_model
from tunewise.export.script.blocks.decided import PRECISION, RECOMPUTES


def load_model(args: argparse.Namespace, tokenizer: Any) -> nn.Module:
    """The pretrained model with what is trained of it or beside it, on its device."""
    model = adapt_model(build_model(args, tokenizer), tokenizer, args).to(args.device)
    if RECOMPUTES:
        model.gradient_checkpointing_enable({"use_reentrant": False})  # type: ignore[operator]
    if PRECISION == "bfloat16":
        autocast = torch.autocast(args.device, dtype=torch.bfloat16)
        model.forward = autocast(model.forward)
    return model
