"""Two encoders and the head in which they meet, from configurations alone: no weights needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoImageProcessor,
    AutoModel,
    BatchFeature,
    CLIPTextModelWithProjection,
    CLIPVisionModelWithProjection,
    PreTrainedConfig,
)

from tunewise.backbones.configuration import configuration_of
from tunewise.backbones.door import at_the_door
from tunewise.backbones.encoders import PictureEncoder, TextEncoder, is_clip, own_pooling
from tunewise.backbones.fusion import WIDTH, Fusion, FusionHead, PairCoder, head_names
from tunewise.backbones.load import longest_input, set_dropout
from tunewise.backbones.model import Model
from tunewise.backbones.pooling import trunk_options
from tunewise.backbones.shapes import NoTokenizer, tokenizer_of
from tunewise.backbones.size import no_larger_than

USUAL = 224  # pixels on each side, where a configuration does not say


@dataclass(frozen=True)
class NoProcessor:
    """Stands in for a processor that is not at hand: every picture is black."""

    height: int
    width: int

    def __call__(self, pictures: Sequence[Any], return_tensors: str) -> BatchFeature:
        pixels = torch.zeros(len(pictures), 3, self.height, self.width)
        return BatchFeature({"pixel_values": pixels})


def build_fusion_shape(
    image: Path,
    text: Path,
    *,
    options: Sequence[str],
    dropout: float | None = None,
    device: str = "meta",
) -> Model:
    """The pair that `fusion.build_fusion` would make, on the meta device.

    Args:
        image: the folder with the picture encoder's ``config.json``.
        text: that of the text encoder; CLIP's is the same.
        options: the answers.
        dropout: of both encoders, as for `build_fusion`.
        device: ``cpu`` gives random numbers, for measuring.

    Raises:
        InputError: the library has no such encoder.
    """
    with torch.device(device):
        picture_encoder = _encoder(_picture_encoder, "pictures", image, dropout)
        text_encoder = _encoder(_text_encoder, "texts", text, dropout)
        head = FusionHead(picture_encoder.size, text_encoder.size, len(options), width=WIDTH)
    module = Fusion(picture_encoder, text_encoder, head).eval()
    tokenizer = tokenizer_of(text) or NoTokenizer(module.config.vocab_size)
    return Model(
        module=module,
        coder=PairCoder(tokenizer, _processor(image, picture_encoder.trunk.config)),
        trunks={"image": "image.trunk", "text": "text.trunk"},
        head=head_names(module),
        max_length=longest_input(text_encoder.trunk, tokenizer),
        source=f"{image} + {text}",
    )


def _encoder(make: Any, what: str, folder: Path, dropout: float | None) -> Any:
    where = {"pretrained_model_name_or_path": str(folder), "local_files_only": True}
    with (
        at_the_door(f"model {folder}: no encoder of {what} can be built"),
        no_larger_than(None, str(folder)),
    ):
        return make(folder, configuration_of(where), dropout)


def _picture_encoder(
    folder: Path, config: PreTrainedConfig, dropout: float | None
) -> PictureEncoder:
    if is_clip(config):
        config = getattr(config, "vision_config", config)
        trunk = _trunk(CLIPVisionModelWithProjection, config, dropout)
    else:
        trunk = _trunk(AutoModel, config, dropout, **trunk_options(config))
    if trunk.main_input_name != "pixel_values":
        raise ValueError(f"a {config.model_type} model reads no pictures")
    return PictureEncoder(trunk)


def _text_encoder(folder: Path, config: PreTrainedConfig, dropout: float | None) -> TextEncoder:
    if is_clip(config):
        config = getattr(config, "text_config", config)
        return TextEncoder(_trunk(CLIPTextModelWithProjection, config, dropout))
    trunk = _trunk(AutoModel, config, dropout, **trunk_options(config))
    if trunk.main_input_name != "input_ids":
        raise ValueError(f"a {config.model_type} model reads no texts")
    where = {"pretrained_model_name_or_path": str(folder), "local_files_only": True}
    return TextEncoder(trunk, **own_pooling(where))


def _trunk(kind: Any, config: Any, dropout: float | None, **options: Any) -> Any:
    if dropout is not None:
        set_dropout(config, dropout)
    make = kind.from_config if kind is AutoModel else kind._from_config
    return make(config, dtype=torch.float32, **options)


def _processor(folder: Path, config: Any) -> Any:
    """The processor in the folder, or what gives pictures of the size that the encoder reads."""
    if (folder / "preprocessor_config.json").is_file():
        with at_the_door(f"model {folder}: its preprocessor_config.json cannot be read"):
            return AutoImageProcessor.from_pretrained(
                str(folder), local_files_only=True, backend="pil", trust_remote_code=False
            )
    size = getattr(config, "image_size", None) or USUAL
    height, width = (size, size) if isinstance(size, int) else size
    return NoProcessor(height, width)
