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
    missing = set()
    for name in inside:  # which may stand there without the backbone's, and with norms of old
        known = {name, name.removeprefix(f"{backbone}.")}
        for norm, old in (("weight", "gamma"), ("bias", "beta")):
            known |= {one.replace(f"LayerNorm.{norm}", f"LayerNorm.{old}") for one in known}
        if not stored & known:
            missing.add(name)
    return missing if len(missing) <= MOST_LACKING * len(inside) else set()


def tensor_names(path: Path) -> list[str]:
    """The names in a safetensors file; no number is read."""
    try:
        with safe_open(path, framework="pt") as file:
            return list(file.keys())
    except (OSError, SafetensorError):
        return []
