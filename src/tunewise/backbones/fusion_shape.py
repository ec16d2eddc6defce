"""Two encoders and the head in which they meet, from configurations alone: no weights needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoImageProcessor, BatchFeature

from tunewise.backbones.configuration import configuration_of
from tunewise.backbones.door import at_the_door
from tunewise.backbones.encoders import (
    ImageEncoder,
    Make,
    TextEncoder,
    image_backbone,
    image_sides,
    is_clip,
    text_backbone,
)
from tunewise.backbones.fusion import WIDTH, Fusion, FusionHead, PairProcessor, head_names
from tunewise.backbones.load import longest_input, set_dropout
from tunewise.backbones.model import Model
from tunewise.backbones.sentence import PLAIN, Where, sentence_of
from tunewise.backbones.shapes import NoTokenizer, tokenizer_of
from tunewise.backbones.size import no_larger_than


@dataclass(frozen=True)
class NoProcessor:
    """Stands in for a processor that is not at hand: every image is black."""

    height: int
    width: int

    def __call__(self, images: Sequence[Any], return_tensors: str) -> BatchFeature:
        pixels = torch.zeros(len(images), 3, self.height, self.width)
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
        image: the folder with the image encoder's ``config.json``.
        text: that of the text encoder; CLIP's is the same.
        options: the answers.
        dropout: of both encoders, as for `build_fusion`.
        device: ``cpu`` gives random numbers, for measuring.

    Raises:
        InputError: the library has no such encoder.
    """
    with torch.device(device):
        image_encoder = _encoder(image_shape, "images", image, dropout)
        text_encoder = _encoder(text_shape, "texts", text, dropout)
        head = FusionHead(image_encoder.size, text_encoder.size, len(options), width=WIDTH)
    module = Fusion(image_encoder, text_encoder, head).eval()
    tokenizer = tokenizer_of(text) or NoTokenizer(module.config.vocab_size)
    if not isinstance(tokenizer, NoTokenizer):
        text_encoder.sentence.settle(tokenizer)
    image_processor = _processor(image, image_encoder.trunk.config)
    return Model(
        module=module,
        processor=PairProcessor(tokenizer, image_processor, text_encoder.sentence.prefix),
        backbones={"image": "image.trunk", "text": "text.trunk"},
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
        return make(where, dropout)


def image_shape(where: Where, dropout: float | None = None) -> ImageEncoder:
    """The encoder of images that `encoders.load_image_encoder` would load, without its weights.

    Raises:
        OSError, ValueError, KeyError, ImportError: as there.
    """
    config = configuration_of(where)
    return ImageEncoder(image_backbone(config, _shaper(dropout)))


def text_shape(where: Where, dropout: float | None = None) -> TextEncoder:
    """As `image_shape`, of `encoders.load_text_encoder`."""
    config = configuration_of(where)
    sentence = PLAIN if is_clip(config) else sentence_of(where, weights=False)
    return TextEncoder(text_backbone(config, _shaper(dropout)), sentence)


def _shaper(dropout: float | None) -> Make:
    def shape(kind: Any, config: Any, **options: Any) -> Any:
        if dropout is not None:
            set_dropout(config, dropout)
        make = kind._from_config if hasattr(kind, "_from_config") else kind.from_config
        return make(config, dtype=torch.float32, **options)

    return shape


def _processor(folder: Path, config: Any) -> Any:
    """The processor in the folder, or what gives images of the size that the encoder reads."""
    if (folder / "preprocessor_config.json").is_file():
        with at_the_door(f"model {folder}: its preprocessor_config.json cannot be read"):
            return AutoImageProcessor.from_pretrained(
                str(folder), local_files_only=True, backend="pil", trust_remote_code=False
            )
    return NoProcessor(*image_sides(config))
