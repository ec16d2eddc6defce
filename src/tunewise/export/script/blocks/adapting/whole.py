"""Full fine-tuning."""

from __future__ import annotations

import argparse
from typing import Any

from torch import nn


def adapt_model(model: nn.Module, tokenizer: Any, args: argparse.Namespace) -> nn.Module:
    """Train every parameter."""
    return model.requires_grad_(True)
