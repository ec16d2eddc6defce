"""BitFit."""

from __future__ import annotations

import argparse
from typing import Any

from torch import nn

from tunewise.export.script.blocks.constants import TRAINED


def adapt_model(model: nn.Module, tokenizer: Any, args: argparse.Namespace) -> nn.Module:
    """Train every bias, and the new parameters that `TRAINED` names (Ben Zaken et al. 2021)."""
    for name, weight in model.named_parameters():
        weight.requires_grad = name.endswith(".bias") or name.startswith(tuple(TRAINED))
    return model
