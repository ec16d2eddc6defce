"""Which frozen weights an artifact was trained beside: a few weights alone mean nothing."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from tunewise.backbones.model import Model
from tunewise.core.errors import InputError
from tunewise.core.files import read_json, write_json

FILE = "base.json"
SAMPLES = 256  # values of each tensor that enter the fingerprint


def write_base(model: Model, folder: Path) -> None:
    """Record what the artifact in a folder was trained on."""
    write_json(folder / FILE, {"source": model.source, "fingerprint": fingerprint(model)})


def check_base(model: Model, folder: Path) -> None:
    """Compare the model's frozen weights with those of the record, not its name.

    An adapter that another program wrote has no record; then the shapes must do.

    Raises:
        InputError: the artifact was trained on a model with other weights.
    """
    if not (folder / FILE).is_file():
        return
    base = read_json(folder / FILE)
    if base["fingerprint"] != fingerprint(model):
        raise InputError(
            f"{folder}: was trained on {base['source']}, whose numbers are not those of "
            f"{model.source}. It fits only the model that it was trained on."
        )


def fingerprint(model: Model) -> str:
    """A hash of names, shapes and evenly picked values of all that is frozen.

    Not of every number: models that differ at all differ nearly everywhere, and this takes
    milliseconds whatever the size.
    """
    if model.fingerprint is not None:
        return model.fingerprint
    total = sha256()
    for name, parameter in model.module.named_parameters():
        if not parameter.requires_grad:
            # As before `LoRALinear`, or a layer of PEFT's, wrapped its layer.
            plain_name = name.replace(".base.", ".").replace(".base_layer.", ".")
            total.update(f"{plain_name} {tuple(parameter.shape)}".encode())
            stride = max(1, parameter.numel() // SAMPLES)
            picked = parameter.detach().flatten()[::stride].float().cpu()
            total.update(picked.numpy().tobytes())
    return total.hexdigest()
