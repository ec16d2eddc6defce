"""LoRA adapters on disk, in PEFT's format: adapter_config.json and adapter_model.safetensors."""

from __future__ import annotations

from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from tunewise.backbones.model import Model
from tunewise.backbones.modules import head_modules
from tunewise.backbones.weights import fill, read_tensors, save_tensors
from tunewise.core.errors import InputError
from tunewise.core.files import read_json, write_json
from tunewise.core.lazy import Later
from tunewise.methods.frozen import check_base, write_base
from tunewise.methods.lora_layer import LoRALinear, Scaling, scale_of
from tunewise.methods.task_types import task_type

if TYPE_CHECKING:
    import peft
else:
    peft = Later("peft")

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model."  # PEFT's two wrappers around the module
UNSUPPORTED = ("use_dora", "use_qalora", "lora_bias")


def save_adapter(model: Model, folder: Path, *, rank: int, alpha: float) -> None:
    """Write configuration and weights so that `peft.PeftModel.from_pretrained` reads them.

    PEFT's own saving asks the hub about the base model; this asks nobody. Layers of another
    `rank` or `alpha` are written by their paths.
    """
    layers = lora_layers(model)
    some = next(iter(layers.values()))
    config = peft.LoraConfig(
        task_type=task_type(model),
        base_model_name_or_path=model.source,
        inference_mode=True,
        r=rank,
        lora_alpha=alpha,
        lora_dropout=some.dropout,
        use_rslora=some.scaling == "root",
        rank_pattern={path: lora.rank for path, lora in layers.items() if lora.rank != rank},
        alpha_pattern={path: lora.alpha for path, lora in layers.items() if lora.alpha != alpha},
        target_modules=list(layers),
        modules_to_save=head_modules(model),
        fan_in_fan_out=all(lora.is_transposed for lora in layers.values()),
    )
    written = {
        key: sorted(value) if isinstance(value, set) else value
        for key, value in config.to_dict().items()
    }
    save_tensors(_tensors(model), folder / WEIGHTS)
    write_json(folder / CONFIG, dict(sorted(written.items())))
    write_base(model, folder)


def load_adapter(model: Model, folder: Path) -> None:
    """Read an adapter into a model whose layers are wrapped already.

    Raises:
        InputError: the adapter is no LoRA, has other settings, or belongs to another model.
        DamagedFile: a file is not readable.
    """
    config = read_json(folder / CONFIG)
    if config.get("peft_type") != "LORA":
        raise InputError(f"{folder / CONFIG}: peft_type = {config.get('peft_type')}, not LORA.")
    for key in UNSUPPORTED:
        if config.get(key):
            raise InputError(f"{folder / CONFIG}: {key} is set, which this method does not have.")
    for path, layer in lora_layers(model).items():
        # Weights say nothing of their scale, so another alpha would be read without a word.
        place = folder / CONFIG
        ranks, alphas = config.get("rank_pattern") or {}, config.get("alpha_pattern") or {}
        rank = ranks.get(peft.utils.other.get_pattern_key(ranks, path), config["r"])
        alpha = alphas.get(peft.utils.other.get_pattern_key(alphas, path), config["lora_alpha"])
        scaling: Scaling = "root" if config.get("use_rslora") else "rank"
        if rank != layer.rank or not isclose(scale_of(rank, alpha, scaling), layer.scale):
            raise InputError(
                f"{place}: {path} has rank {rank} and alpha {alpha} (scaling: {scaling}), but this "
                f"method gives it rank {layer.rank} and alpha {layer.alpha} ({layer.scaling})."
            )
    stored = {_our_name(name): tensor for name, tensor in read_tensors(folder / WEIGHTS).items()}
    names = {_our_name(name) for name in _tensors(model)}
    check_base(model, folder)
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
