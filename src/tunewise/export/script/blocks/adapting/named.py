"""Training some of the model's own parameters: all, the last blocks, the head."""

from __future__ import annotations

import argparse
from typing import Any

from torch import nn

from tunewise.export.script.blocks.constants import TRAINED

Groups = list[tuple[float, list[nn.Parameter]]]


def adapt_model(model: nn.Module, tokenizer: Any, args: argparse.Namespace) -> nn.Module:
    """Freeze all parameters but those whose names begin as `TRAINED` says."""
    for name, weight in model.named_parameters():
        weight.requires_grad = name.startswith(tuple(TRAINED))
    return model


def trained_groups(model: nn.Module) -> Groups:
    """The trained parameters, with a factor on their learning rate."""
    return [(1.0, [weight for weight in model.parameters() if weight.requires_grad])]
