"""Train every number of the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from tunewise.backbones.model import Model
from tunewise.backbones.weights import load_weights, save_model
from tunewise.methods.base import METHODS, Adaptation


@METHODS.register("full")
@dataclass(frozen=True)
class Full(Adaptation):
    """Full fine-tuning: every parameter of backbone and head is trained."""

    description = (
        "Full fine-tuning trains every parameter. The others are measured against it, and it is "
        "the most expensive."
    )

    # Devlin et al. 2019 (arXiv:1810.04805, A.3) search 5e-5, 3e-5 and 2e-5: larger steps
    # forget what was pretrained.
    learning_rate = 3e-5
    starts_at_base = True

    def prepare(self, model: Model) -> None:
        model.module.requires_grad_(True)

    def save(self, model: Model, folder: Path) -> None:
        """Write a transformers folder: weights, configuration, tokenizer."""
        save_model(model.module, model.processor, folder)

    def load(self, model: Model, folder: Path) -> None:
        load_weights(model.module, folder)

    def merged(self, model: Model) -> nn.Module:
        return model.module
