"""transformers' configuration of a model, in which nothing leads beyond the model's own files."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import transformers
from transformers import CONFIG_MAPPING, AutoConfig, PreTrainedConfig
from transformers.utils import cached_file

from tunewise.backbones.config_file import read_configuration, shown
from tunewise.core.errors import InputError

OWN_ATTENTION = (None, "eager", "sdpa")  # every other name may be one of code on a hub


def configuration_of(where: Mapping[str, Any]) -> PreTrainedConfig:
    """The configuration that `from_pretrained` would read.

    Args:
        where: arguments of `from_pretrained`: the folder or hub id, and which revision.

    Raises:
        InputError: it is none, or of a family that the library does not know.
        Exception: whatever the library raises over what it says.
    """
    source = where["pretrained_model_name_or_path"]
    path = cached_file(
        source,
        "config.json",
        revision=where.get("revision"),
        local_files_only=where.get("local_files_only", False),
    )
    content = read_configuration(Path(path), f"model {source}")
    if "model_type" in content:
        _check_family(content["model_type"], f"model {source}", own_code="auto_map" in content)
    config = AutoConfig.from_pretrained(**where, trust_remote_code=False)
    _keep_own_attention(config)
    layers = getattr(config, "num_hidden_layers", None)  # by whatever name the family calls them
    if isinstance(layers, int) and layers < 1:
        raise InputError(f"model {source}: config.json: {layers} layers; a model has at least one.")
    return config


def _check_family(family: Any, place: str, *, own_code: bool) -> None:
    if isinstance(family, str) and family in CONFIG_MAPPING:
        return
    close = get_close_matches(str(family), list(CONFIG_MAPPING), n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    code = " Code that a model brings with it (auto_map) is never run." if own_code else ""
    raise InputError(
        f"{place}: config.json: model_type = {shown(family)}: no family that transformers "
        f"{transformers.__version__} knows.{hint}{code}"
    )


def _keep_own_attention(config: Any) -> None:
    """Take out the names of kernels, which the library would fetch from a hub and run."""
    if config._attn_implementation not in OWN_ATTENTION:
        config._attn_implementation_internal = None
    config._experts_implementation_internal = None
    for name in config.sub_configs:
        if (inner := getattr(config, name, None)) is not None:
            _keep_own_attention(inner)
