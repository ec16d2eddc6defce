"""Choosing which of a model's own parameters are trained, and storing just these."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tunewise.backbones.model import Model
from tunewise.backbones.weights import load_tensors, save_tensors
from tunewise.core.errors import InputError
from tunewise.methods.frozen import check_base, write_base

FILE = "trained.safetensors"


def train_only(model: Model, names: Iterable[str]) -> None:
    """Let exactly the named parameters require gradients."""
    wanted = set(names)
    for name, parameter in model.module.named_parameters():
        parameter.requires_grad_(name in wanted)


def one_backbone(model: Model, method: str) -> None:
    """Raises InputError where two encoders meet in one head."""
    if len(model.backbones) > 1:
        names = " and ".join(model.backbones)
        raise InputError(
            f"method {method}: is for one model, and here two encoders meet ({names}). Adapt them "
            "with lora: {targets: [text.query, text.value]}, or leave them frozen with fusion."
        )


def trained_names(model: Model) -> list[str]:
    """The parameters that require gradients, in the order of the model."""
    return [name for name, weight in model.module.named_parameters() if weight.requires_grad]


def save_trained(model: Model, folder: Path) -> None:
    """Write the trained parameters under their names."""
    parameters = dict(model.module.named_parameters())
    save_tensors({name: parameters[name] for name in trained_names(model)}, folder / FILE)
    write_base(model, folder)


def load_trained(model: Model, folder: Path) -> None:
    """Read what `save_trained` wrote into a model with the same trained parameters.

    Raises:
        InputError: it was trained on another model, or has other parameters.
    """
    check_base(model, folder)
    load_tensors(model.module, folder / FILE, trained_names(model))
