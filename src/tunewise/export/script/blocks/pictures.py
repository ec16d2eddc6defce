"""Choosing an answer to a question about an image."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModel,
    AutoModelForTextEncoding,
    CLIPTextModelWithProjection,
    CLIPVisionModelWithProjection,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from tunewise.export.script.blocks.batches import derive_seed
from tunewise.export.script.blocks.classification import Batch, labels_of, set_dropout
from tunewise.export.script.blocks.constants import (
    ENCODER_OPTIONS,
    IMAGE_COLUMN,
    IMAGE_OPTIONS,
    IMAGE_OUTPUT,
    IMAGE_SIZE,
    LABELS,
    TEXT_SIZE,
    WIDTH,
)
from tunewise.export.script.blocks.decided import (
    HAS_HEAD_METHOD,
    IMAGE_KIND,
    IMAGE_RESTS,
    INPUTS,
    NORMALIZES,
    SETS_DROPOUT,
    TEXT_KIND,
    TEXT_RESTS,
)
from tunewise.export.script.blocks.files import Row
from tunewise.export.script.blocks.pooled import pool
from tunewise.export.script.blocks.texts import preprocess_function


class ImageEncoder(nn.Module):
    """Images (batch, 3, height, width) to vectors (batch, size)."""

    def __init__(self, trunk: Any) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, pixel_values: Tensor) -> Tensor:
        output: Tensor = self.trunk(pixel_values=pixel_values, return_dict=True)[IMAGE_OUTPUT]
        if IMAGE_OUTPUT == "last_hidden_state":
            return output[:, 0]  # the class token's
        else:
            return output.flatten(1)


class TextEncoder(nn.Module):
    """Tokens (batch, tokens) to vectors (batch, size)."""

    def __init__(self, trunk: Any) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, attention_mask: Tensor, **inputs: Tensor) -> Tensor:
        output = self.trunk(attention_mask=attention_mask, return_dict=True, **inputs)
        if TEXT_KIND == "clip":
            vectors: Tensor = output.text_embeds
            return vectors
        else:
            vectors = pool(output.last_hidden_state, attention_mask)
            if NORMALIZES:
                vectors = F.normalize(vectors, dim=-1)
            return vectors


class FusionHead(nn.Module):
    """A linear layer with ReLU on each vector, both side by side, a linear classifier."""

    def __init__(self) -> None:
        super().__init__()
        if INPUTS != "question":
            self.picture = nn.Linear(IMAGE_SIZE, WIDTH)
        if INPUTS != "picture":
            self.question = nn.Linear(TEXT_SIZE, WIDTH)
        if INPUTS == "both":
            self.classifier = nn.Linear(2 * WIDTH, len(LABELS))
        else:
            self.classifier = nn.Linear(WIDTH, len(LABELS))

    def forward(self, image: Tensor, question: Tensor) -> Tensor:
        if INPUTS == "both":
            parts = [self.picture(image).relu(), self.question(question).relu()]
        elif INPUTS == "picture":
            parts = [self.picture(image).relu()]
        else:
            parts = [self.question(question).relu()]
        logits: Tensor = self.classifier(torch.cat(parts, dim=-1))
        return logits


class FusionModel(nn.Module):
    """An image encoder, a text encoder, and the head in which they meet.

    Vectors that are given are not computed: a frozen encoder runs once for each input.
    """

    def __init__(self, image: ImageEncoder, text: TextEncoder) -> None:
        super().__init__()
        self.image, self.text, self.head = image, text, FusionHead()

    @property
    def config(self) -> Any:
        return self.text.trunk.config

    def forward(
        self,
        pixel_values: Tensor | None = None,
        image_embeds: Tensor | None = None,
        text_embeds: Tensor | None = None,
        **tokens: Tensor,
    ) -> SequenceClassifierOutput:
        if image_embeds is None:
            image_embeds = self.image(pixel_values)
        if text_embeds is None:
            text_embeds = self.text(**tokens)
        return SequenceClassifierOutput(logits=self.head(image_embeds, text_embeds))


def build_model(args: argparse.Namespace, tokenizer: Any) -> nn.Module:
    """Two pretrained encoders, and a new head drawn from the seed."""
    image, text = load_image_encoder(args), load_text_encoder(args)
    if HAS_HEAD_METHOD:
        torch.manual_seed(derive_seed(args.seed, "method"))
    else:
        torch.manual_seed(derive_seed(args.seed, "head"))
    return FusionModel(ImageEncoder(image), TextEncoder(text)).eval()


def load_image_encoder(args: argparse.Namespace) -> Any:
    where = {"revision": args.image_revision, "dtype": torch.float32}
    config = AutoConfig.from_pretrained(args.image_model, revision=args.image_revision)
    config = getattr(config, "vision_config", config)
    if SETS_DROPOUT:
        set_dropout(config)
    if IMAGE_KIND == "clip":
        kind = CLIPVisionModelWithProjection
    else:
        kind = AutoModel
    return kind.from_pretrained(args.image_model, config=config, **where, **IMAGE_OPTIONS)


def load_text_encoder(args: argparse.Namespace) -> Any:
    where = {"revision": args.revision, "dtype": torch.float32}
    config = AutoConfig.from_pretrained(args.model, revision=args.revision)
    config = getattr(config, "text_config", config)
    if SETS_DROPOUT:
        set_dropout(config)
    if TEXT_KIND == "clip":
        kind = CLIPTextModelWithProjection
    elif TEXT_KIND == "encoding":
        kind = AutoModelForTextEncoding
    else:
        kind = AutoModel
    return kind.from_pretrained(args.model, config=config, **where, **ENCODER_OPTIONS)


@dataclass
class ImageDataCollator:
    """Pads the questions of a batch, and reads its images where their vectors are not known."""

    tokenizer: Any
    image_processor: Any
    folder: Path  # in which the images lie

    def __call__(self, features: list[Row]) -> Batch:
        tokens = self.tokenizer.pad(
            [feature["inputs"] for feature in features], return_tensors="pt"
        )
        inputs = dict(tokens)
        if TEXT_RESTS:
            if "text_embeds" in features[0]:
                inputs["text_embeds"] = torch.stack([f["text_embeds"] for f in features])
        if IMAGE_RESTS:
            if "image_embeds" in features[0]:
                inputs["image_embeds"] = torch.stack([f["image_embeds"] for f in features])
                return Batch(inputs, labels_of(features))
        inputs["pixel_values"] = self.pixels(features)
        return Batch(inputs, labels_of(features))

    def pixels(self, features: list[Row]) -> Tensor:
        images = [read_image(self.folder / feature[IMAGE_COLUMN]) for feature in features]
        pixels: Tensor = self.image_processor(images, return_tensors="pt")["pixel_values"]
        return pixels


def load_image_processor(args: argparse.Namespace) -> Any:
    return AutoImageProcessor.from_pretrained(
        args.image_model, revision=args.image_revision, backend="pil"
    )


def read_image(path: Path) -> Image.Image:
    """An image in RGB, upright, on white where it is transparent."""
    image = ImageOps.exif_transpose(Image.open(path))
    if image.has_transparency_data:
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    return image.convert("RGB")


@torch.no_grad()
def with_vectors(
    features: list[Row], model: Any, collator: Callable[[list[Row]], Batch], device: str
) -> list[Row]:
    """The examples with the vectors of frozen encoders, each computed once."""
    model.eval()
    if IMAGE_RESTS:
        names = sorted({feature[IMAGE_COLUMN] for feature in features})
        images: dict[str, Tensor] = {}
        for start in range(0, len(names), 8):
            part = [{IMAGE_COLUMN: name} for name in names[start : start + 8]]
            pixels = collator.pixels(part).to(device)  # type: ignore[attr-defined]
            images.update(zip(names[start : start + 8], model.image(pixels).cpu(), strict=True))
        features = [{**f, "image_embeds": images[f[IMAGE_COLUMN]]} for f in features]
    if TEXT_RESTS:
        order = sorted(range(len(features)), key=lambda p: len(features[p]["inputs"]["input_ids"]))
        for start in range(0, len(order), 32):
            places = order[start : start + 32]
            part = [features[place]["inputs"] for place in places]
            tokens = collator.tokenizer.pad(part, return_tensors="pt")  # type: ignore[attr-defined]
            vectors = model.text(**tokens.to(device)).cpu()
            for place, vector in zip(places, vectors, strict=True):
                features[place] = {**features[place], "text_embeds": vector}
    return features


def preprocess_images(
    rows: list[Row], model: nn.Module, collator: ImageDataCollator, device: str
) -> list[Row]:
    """Questions as token ids, with the vectors of what is frozen."""
    features = preprocess_function(rows, collator.tokenizer)
    if IMAGE_RESTS or TEXT_RESTS:
        features = with_vectors(features, model, collator, device)
    return features
