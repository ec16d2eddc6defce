"""Pretrained encoders of pictures and of texts, each with the vector it stands for.

A picture's vector is what its encoder was made to give: a ResNet's average before its classifier, a
vision Transformer's first position, CLIP's projection. A text's vector is CLIP's projection, or the
pooling that lies with a sentence encoder, or else the mean of its tokens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    AutoImageProcessor,
    AutoModel,
    AutoTokenizer,
    CLIPTextModelWithProjection,
    CLIPVisionModelWithProjection,
    PreTrainedConfig,
)
from transformers.utils import cached_file

from tunewise.backbones.configuration import configuration_of
from tunewise.backbones.load import set_dropout
from tunewise.backbones.pooling import mean, trunk_options

Where = Mapping[str, Any]
"""Arguments of `from_pretrained`: the folder or hub id, and which revision."""

LOADING: dict[str, Any] = {
    "use_safetensors": True,
    "trust_remote_code": False,
    "dtype": torch.float32,
}


class PictureEncoder(nn.Module):
    """Pictures to vectors.

    Shapes:
        pixel_values  (batch, 3, height, width)      vectors  (batch, size)
    """

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk
        self.size = picture_size(trunk.config)

    def forward(self, pixel_values: Tensor) -> Tensor:
        output = self.trunk(pixel_values=pixel_values, return_dict=True)
        if "image_embeds" in output:
            vectors: Tensor = output.image_embeds
        elif is_convolutional(self.trunk.config):
            vectors = output.pooler_output.flatten(1)  # the average over all places
        else:
            vectors = output.last_hidden_state[:, 0]
        return vectors


class TextEncoder(nn.Module):
    """Texts to vectors.

    Shapes:
        input_ids, attention_mask  (batch, tokens)      vectors  (batch, size)
    """

    def __init__(
        self, trunk: nn.Module, *, pooling: Literal["mean", "first"] = "mean", unit: bool = False
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.pooling = pooling
        self.unit = unit  # whether vectors are scaled to length 1
        self.size = text_size(trunk.config)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **more: Tensor) -> Tensor:
        output = self.trunk(
            input_ids=input_ids, attention_mask=attention_mask, return_dict=True, **more
        )
        if "text_embeds" in output:
            vectors: Tensor = output.text_embeds
        elif self.pooling == "first":
            vectors = output.last_hidden_state[:, 0]
        else:
            vectors = mean(output.last_hidden_state, attention_mask)
        return F.normalize(vectors, dim=-1) if self.unit else vectors


def is_clip(config: PreTrainedConfig) -> bool:
    return config.model_type.startswith("clip")


def is_convolutional(config: PreTrainedConfig) -> bool:
    return hasattr(config, "hidden_sizes")


def picture_size(config: Any) -> int:
    """Numbers in a picture's vector."""
    if is_clip(config):
        return int(config.projection_dim)
    return int(config.hidden_sizes[-1] if is_convolutional(config) else config.hidden_size)


def text_size(config: Any) -> int:
    """Numbers in a text's vector."""
    return int(config.projection_dim if is_clip(config) else config.hidden_size)


def load_picture_encoder(where: Where, dropout: float | None = None) -> tuple[PictureEncoder, Any]:
    """The encoder and its processor, which needs no torchvision.

    `dropout` is the probability in every place that has one; None keeps those.

    Raises:
        OSError, ValueError, KeyError: it cannot be loaded, or is no encoder of pictures.
    """
    config = configuration_of(where)
    processor = AutoImageProcessor.from_pretrained(**where, backend="pil", trust_remote_code=False)
    if is_clip(config):
        config = getattr(config, "vision_config", config)
        trunk = _trunk(CLIPVisionModelWithProjection, where, config, dropout)
    else:
        options = trunk_options(config)  # a pooler behind the first position is never used
        trunk = _trunk(AutoModel, where, config, dropout, **options)
    if trunk.main_input_name != "pixel_values":
        raise ValueError(f"a {config.model_type} model reads no pictures")
    return PictureEncoder(trunk), processor


def load_text_encoder(where: Where, dropout: float | None = None) -> tuple[TextEncoder, Any]:
    """The encoder and its tokenizer, which pads on the right. `dropout` as for pictures.

    Raises:
        OSError, ValueError, KeyError: it cannot be loaded, or is no encoder of texts.
    """
    config = configuration_of(where)
    tokenizer = AutoTokenizer.from_pretrained(**where, trust_remote_code=False)
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token is None:
            raise ValueError("its tokenizer has neither a padding nor an end token")
        tokenizer.pad_token = tokenizer.eos_token  # masked, so any token serves
    tokenizer.padding_side = "right"
    if is_clip(config):
        config = getattr(config, "text_config", config)
        return TextEncoder(_trunk(CLIPTextModelWithProjection, where, config, dropout)), tokenizer
    trunk = _trunk(AutoModel, where, config, dropout, **trunk_options(config))
    if trunk.main_input_name != "input_ids":
        raise ValueError(f"a {config.model_type} model reads no texts")
    return TextEncoder(trunk, **own_pooling(where)), tokenizer


def _trunk(kind: Any, where: Where, config: Any, dropout: float | None, **options: Any) -> Any:
    """The pretrained trunk.

    Raises:
        ValueError: the checkpoint lacks most of it, and it would start from noise.
    """
    if dropout is not None:
        set_dropout(config, dropout)
    trunk, report = kind.from_pretrained(
        **where, **LOADING, config=config, output_loading_info=True, **options
    )
    names = dict(trunk.named_parameters())
    lacking = [name for name in report["missing_keys"] if name in names]
    if len(lacking) > len(names) / 2:
        raise ValueError(
            f"its weights lack {len(lacking)} of {len(names)} tensors, such as '{lacking[0]}'; "
            "they are of another architecture"
        )
    return trunk


def own_pooling(where: Where) -> dict[str, Any]:
    """How a sentence encoder makes one vector of its tokens, from the files beside its weights.

    A model without them gets the mean.
    """
    modules = _json(where, "modules.json") or []
    kinds = {str(module.get("type", "")).rpartition(".")[2]: module for module in modules}
    pooling = _json(where, f"{kinds['Pooling']['path']}/config.json") if "Pooling" in kinds else {}
    first = bool((pooling or {}).get("pooling_mode_cls_token"))
    return {"pooling": "first" if first else "mean", "unit": "Normalize" in kinds}


def _json(where: Where, name: str) -> Any:
    path = cached_file(
        where["pretrained_model_name_or_path"],
        name,
        revision=where.get("revision"),
        local_files_only=where.get("local_files_only", False),
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    return json.loads(Path(path).read_text(encoding="utf-8")) if path else None
