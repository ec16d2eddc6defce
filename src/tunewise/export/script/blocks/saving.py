"""Keeping what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from tunewise.export.script.blocks.decided import SAVES_WHOLE
from tunewise.export.script.blocks.training import trained_parameters


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write what was trained, in the form that the libraries load."""
    if SAVES_WHOLE:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    else:
        save_trained(model, folder)


def save_trained(model: nn.Module, folder: Path) -> None:
    """Write the trained parameters by their names; `load_state_dict` takes them back."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: weight.detach().cpu() for name, weight in trained_parameters(model)}
    save_file(tensors, folder / "trained.safetensors")
