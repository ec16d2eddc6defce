"""PEFT's adapters on disk as PEFT reads them: adapter_config.json, adapter_model.safetensors."""

from __future__ import annotations

import warnings
from enum import Enum
from pathlib import Path
from typing import Any

from peft import get_peft_model_state_dict, set_peft_model_state_dict
from torch import Tensor, nn

from tunewise.backbones.model import Model
from tunewise.backbones.weights import fill, read_tensors, save_tensors
from tunewise.core.errors import InputError, nearest
from tunewise.core.files import read_json, write_json
from tunewise.methods.frozen import check_base, write_base
from tunewise.methods.lora_files import CONFIG, WEIGHTS
from tunewise.methods.peft_model import ADAPTER, Adapter


def save(model: Model, folder: Path) -> None:
    """Write configuration and weights so that `PeftModel.from_pretrained` reads them.

    PEFT's own saving asks the hub about the base model; this asks nobody. AdaLoRA is written
    with all its ranks, those it gave up as zeros, because PEFT cannot load the shorter form.
    """
    adapter: Adapter = model.adapter
    prefix = "base_model." if adapter.config.is_prompt_learning else "base_model.model."
    written = {key: _plain(value) for key, value in adapter.config.to_dict().items()}
    written |= {
        "inference_mode": True,
        "modules_to_save": [path.removeprefix(prefix) for path in adapter.whole],
    }
    if "rank_pattern" in written and adapter.config.peft_type == "ADALORA":
        written["rank_pattern"] = None
    written.pop("runtime_config", None)
    save_tensors(_apart(_tensors(adapter) | _whole(adapter)), folder / WEIGHTS)
    write_json(folder / CONFIG, dict(sorted(written.items())))
    write_base(model, folder)


def load(model: Model, folder: Path) -> None:
    """Read an adapter into a model that has one of the same settings.

    A prompt is read as PEFT reads one for use: its embeddings, without the network that may have
    made them, so that it cannot be trained on.

    Raises:
        InputError: the adapter is of another type or shape, or belongs to another model.
        DamagedFile: a file is not readable.
    """
    adapter: Adapter = model.adapter
    kind, found = adapter.config.peft_type.value, read_json(folder / CONFIG).get("peft_type")
    if found != kind:
        raise InputError(f"{folder / CONFIG}: peft_type = {found}, not {kind}.")
    check_base(model, folder)
    whole = _whole(adapter)
    tensors = read_tensors(folder / WEIGHTS)
    parts = {name: tensor for name, tensor in tensors.items() if name in whole}
    own = {name: tensor for name, tensor in tensors.items() if name not in whole}
    _check(_tensors(adapter), own, folder / WEIGHTS)
    fill(adapter.peft_model, parts, set(whole), folder / WEIGHTS)
    if adapter.config.is_prompt_learning:
        device = model.device
        table = nn.Embedding.from_pretrained(own["prompt_embeddings"], freeze=False)
        adapter.peft_model.prompt_encoder[ADAPTER].embedding = table.to(device)
        adapter.config.inference_mode = True
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        set_peft_model_state_dict(adapter.peft_model, own, ADAPTER)


def _tensors(adapter: Adapter) -> dict[str, Tensor]:
    """The adapter itself under PEFT's names, with all the ranks of AdaLoRA, without the head."""
    config = adapter.config
    ranks = getattr(config, "rank_pattern", None)
    if config.peft_type == "ADALORA":
        config.rank_pattern = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found: dict[str, Tensor] = get_peft_model_state_dict(
                adapter.peft_model, adapter_name=ADAPTER, save_embedding_layers=False
            )
    finally:
        if config.peft_type == "ADALORA":
            config.rank_pattern = ranks
    whole = _whole(adapter)  # of which PEFT's `bias: all` takes the biases
    return {name: tensor for name, tensor in found.items() if name not in whole}


def _whole(adapter: Adapter) -> dict[str, Tensor]:
    """What is trained whole, the head included, under PEFT's names; what is tied has several."""
    starts = tuple(f"{path}." for path in adapter.whole)
    named = adapter.peft_model.named_parameters(remove_duplicate=False)
    return {name: weight for name, weight in named if name.startswith(starts)}


def _apart(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Each tensor with memory of its own, as PEFT writes those that two layers share.

    safetensors refuses them otherwise, such as the trained tokens of tied embeddings.
    """
    seen: set[int] = set()
    found = {}
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        found[name] = tensor.clone() if place in seen else tensor
        seen.add(place)
    return found


def _check(expected: dict[str, Tensor], found: dict[str, Tensor], place: Path) -> None:
    """PEFT reads what fits and passes over the rest in silence; we do not."""
    if missing := sorted(expected.keys() - found.keys()):
        raise InputError(f"{place}: holds no '{missing[0]}' ({len(missing)} are missing).")
    if unknown := sorted(found.keys() - expected.keys()):
        raise InputError(
            f"{place}: '{unknown[0]}' has no place in this adapter. {nearest(unknown[0], expected)}"
        )
    for name, tensor in found.items():
        if tensor.shape != expected[name].shape:
            raise InputError(
                f"{place}: '{name}' has shape {tuple(tensor.shape)} where this adapter has "
                f"{tuple(expected[name].shape)}. Was it trained with other settings?"
            )


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return sorted(value) if isinstance(value, set) else value
