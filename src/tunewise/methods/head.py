"""Train the new numbers alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from tunewise.backbones.model import Model
from tunewise.backbones.weights import load_tensors, save_tensors
from tunewise.methods.base import METHODS, Adaptation

FILE = "head.safetensors"


@METHODS.register("head")
@dataclass(frozen=True)
class Head(Adaptation):
    """Only the head is trained; the trunk stays as it was pretrained.

    What counts as head is what the checkpoint did not bring: the classifier, and a pooler
    that the checkpoint lacks.
    """

    # A convex problem on fixed features, from small random weights: steps that would wreck a
    # trunk are harmless here.
    learning_rate = 1e-3

    def prepare(self, model: Model) -> None:
        train_only(model, model.head)

    def save(self, model: Model, folder: Path) -> None:
        """Write the head by the names of its parameters."""
        parameters = dict(model.module.named_parameters())
        save_tensors({name: parameters[name] for name in model.head}, folder / FILE)

    def load(self, model: Model, folder: Path) -> None:
        load_tensors(model.module, folder / FILE, model.head)

    def merged(self, model: Model) -> nn.Module:
        return model.module


def train_only(model: Model, names: list[str]) -> None:
    """Let exactly the named parameters require gradients."""
    trained = set(names)
    for name, parameter in model.module.named_parameters():
        parameter.requires_grad_(name in trained)
