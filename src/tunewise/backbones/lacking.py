"""What a model has and its checkpoint has not, by the headers of the weights: no number is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open

MOST_LACKING = 0.5  # of a backbone's tensors; above it the checkpoint uses other names, not others


def lacking(folder: Path, backbone: str, names: Sequence[str]) -> set[str]:
    """The backbone's parameters that the weights in the folder do not hold, by their headers.

    None where most are missing: then the weights are not at hand, or go by other names.
    """
    stored = {name for path in folder.glob("*.safetensors") for name in tensor_names(path)}
    inside = [name for name in names if name.startswith(f"{backbone}.")]
    missing = {
        name
        for name in inside
        if not stored & {spelt for plain in _spellings(name, backbone) for spelt in plain}
    }
    return missing if len(missing) <= MOST_LACKING * len(inside) else set()


def _spellings(name: str, backbone: str) -> list[tuple[str, ...]]:
    """How checkpoints write a name: with or without the backbone's, and with norms of old."""
    short = name.removeprefix(f"{backbone}.")
    old = [
        plain.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        )
        for plain in (name, short)
    ]
    return [(name, short, *old)]


def tensor_names(path: Path) -> list[str]:
    """The names in a safetensors file; no number is read."""
    try:
        with safe_open(path, framework="pt") as file:
            return list(file.keys())
    except (OSError, SafetensorError):
        return []
