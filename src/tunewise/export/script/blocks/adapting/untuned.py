"""The model as it comes."""

from __future__ import annotations

import argparse
from typing import Any

from torch import nn


def adapt_model(model: nn.Module, tokenizer: Any, args: argparse.Namespace) -> nn.Module:
    """Train nothing: what tuning has to improve on."""
    return model.requires_grad_(False)
