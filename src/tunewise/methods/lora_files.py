"""LoRA adapters on disk, in PEFT's format: adapter_config.json and adapter_model.safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from peft import LoraConfig
from torch import Tensor
from transformers.pytorch_utils import Conv1D

from tunewise.backbones.model import Model
from tunewise.backbones.parts import head_modules
from tunewise.backbones.weights import fill, read_tensors, save_tensors
from tunewise.core.errors import InputError
from tunewise.core.files import read_json, write_json
from tunewise.methods.lora_layer import LoRALinear

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model."  # PEFT's two wrappers around the module
UNSUPPORTED = ("use_dora", "use_qalora", "rank_pattern", "alpha_pattern", "lora_bias")


def save_adapter(model: Model, folder: Path, *, rank: int, alpha: float, dropout: float) -> None:
    """Write configuration and weights so that `peft.PeftModel.from_pretrained` reads them.

    PEFT's own saving asks the hub about the base model; this asks nobody.
    """
    layers = lora_layers(model)
    config = LoraConfig(
        task_type="SEQ_CLS",
        base_model_name_or_path=model.source,
        inference_mode=True,
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=list(layers),
        modules_to_save=head_modules(model),
        fan_in_fan_out=all(isinstance(layer.base, Conv1D) for layer in layers.values()),
    )
    written = {key: _sorted(value) for key, value in config.to_dict().items()}
    save_tensors(_tensors(model), folder / WEIGHTS)
    write_json(folder / CONFIG, dict(sorted(written.items())))


def load_adapter(model: Model, folder: Path, *, rank: int, alpha: float) -> None:
    """Read an adapter into a model whose layers are wrapped already.

    Raises:
        InputError: the adapter is no LoRA, has other settings, or does not fit this model.
        DamagedFile: a file is not readable.
    """
    config = read_json(folder / CONFIG)
    expected = {"peft_type": "LORA", "r": rank, "lora_alpha": alpha}
    for key, value in expected.items():
        if config.get(key) != value:
            raise InputError(
                f"{folder / CONFIG}: {key} = {config.get(key)}, but this method has {value}."
            )
    for key in UNSUPPORTED:
        if config.get(key):
            raise InputError(f"{folder / CONFIG}: {key} is set, which this method does not have.")
    stored = {_our_name(name): tensor for name, tensor in read_tensors(folder / WEIGHTS).items()}
    names = {_our_name(name) for name in _tensors(model)}
    fill(model.module, stored, names, folder / WEIGHTS)


def lora_layers(model: Model) -> dict[str, LoRALinear]:
    """Every wrapped layer by its path."""
    modules = model.module.named_modules()
    return {path: layer for path, layer in modules if isinstance(layer, LoRALinear)}


def _tensors(model: Model) -> dict[str, Tensor]:
    """What an adapter holds, under PEFT's names."""
    found: dict[str, Tensor] = {}
    for path, layer in lora_layers(model).items():
        found[f"{PREFIX}{path}.lora_A.weight"] = layer.A
        found[f"{PREFIX}{path}.lora_B.weight"] = layer.B
    parameters = dict(model.module.named_parameters())
    return found | {f"{PREFIX}{name}": parameters[name] for name in model.head}


def _our_name(name: str) -> str:
    name = name.removeprefix(PREFIX)
    for letter in "AB":
        name = name.replace(f".lora_{letter}.weight", f".{letter}")
    return name


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, set) else value
