"""Reading and writing weights by name: safetensors only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from tunewise.backbones.transformers_logging import quiet
from tunewise.core.errors import DamagedFile, InputError, nearest
from tunewise.core.files import write_bytes


def save_model(module: nn.Module, processor: Any, folder: Path) -> None:
    """Write a folder that transformers loads: weights, configuration, tokenizer."""
    model: Any = module
    with quiet():
        model.save_pretrained(folder)
        processor.save_pretrained(folder)


def load_weights(module: nn.Module, folder: Path) -> None:
    """Read all weights of a saved folder into a module of the same shape."""
    tensors: dict[str, Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        tensors |= read_tensors(path)
    names = {name for name, _ in module.named_parameters()}
    fill(module, {name: tensor for name, tensor in tensors.items() if name in names}, names, folder)


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors by name, at once."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(path, save(plain, metadata={"format": "pt"}))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a file.

    Raises:
        DamagedFile: it is missing, or is not safetensors.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise DamagedFile(f"{path}: not readable as safetensors ({error}).") from error


def load_tensors(module: nn.Module, path: Path, names: Iterable[str]) -> None:
    """Read the named parameters of a module from a file that holds exactly these."""
    fill(module, read_tensors(path), set(names), path)


@torch.no_grad()
def fill(module: nn.Module, tensors: Mapping[str, Tensor], names: set[str], place: Path) -> None:
    """Copy tensors into the parameters of the same name.

    Raises:
        InputError: `tensors` are not exactly `names`, or a shape is another.
    """
    if missing := sorted(names - tensors.keys()):
        raise InputError(f"{place}: holds no '{missing[0]}' ({len(missing)} are missing).")
    if unknown := sorted(tensors.keys() - names):
        raise InputError(
            f"{place}: '{unknown[0]}' has no place in this model. {nearest(unknown[0], names)}"
        )
    parameters = dict(module.named_parameters(remove_duplicate=False))
    for name, tensor in tensors.items():
        if tensor.shape != parameters[name].shape:
            raise InputError(
                f"{place}: '{name}' has shape {tuple(tensor.shape)} where this model has "
                f"{tuple(parameters[name].shape)}. Was it trained on another model?"
            )
        parameters[name].copy_(tensor)
