"""Train the new parameters alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from torch import nn

from tunewise.backbones.model import Model
from tunewise.methods.base import METHODS, Adaptation
from tunewise.methods.trained import load_trained, save_trained, train_only


@METHODS.register("head")
@dataclass(frozen=True)
class Head(Adaptation):
    """Only the head is trained; the backbone stays as it was pretrained.

    What counts as head is what the checkpoint did not bring: the classifier, and a pooler
    that the checkpoint lacks.
    """

    description = (
        "Head trains the classifier alone, on a model that stays as it was pretrained: the "
        "cheapest use of one."
    )

    version = 2
    # A convex problem on fixed features, from small random weights: steps that would wreck a
    # backbone are harmless here.
    learning_rate = 1e-3
    shards = False
    starts_at_base = True
    cannot = MappingProxyType(
        {
            "write": "a language model's output layer is pretrained, and often shares its numbers "
            "with the token embeddings, so there is no new head to train; last-layers trains "
            "the blocks before it"
        }
    )

    def prepare(self, model: Model) -> None:
        train_only(model, model.head)

    def save(self, model: Model, folder: Path) -> None:
        """Write the head by the names of its parameters."""
        save_trained(model, folder)

    def load(self, model: Model, folder: Path) -> None:
        load_trained(model, folder)

    def merged(self, model: Model) -> nn.Module:
        return model.module
