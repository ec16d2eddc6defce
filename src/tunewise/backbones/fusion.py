"""Two encoders whose vectors meet in a small classifier: questions about images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from tunewise.backbones.door import at_the_door
from tunewise.backbones.encoders import (
    ImageEncoder,
    TextEncoder,
    load_image_encoder,
    load_text_encoder,
)
from tunewise.backbones.folder import stored_tensors
from tunewise.backbones.load import longest_input
from tunewise.backbones.model import Model
from tunewise.backbones.size import no_larger_than
from tunewise.backbones.sources import parts_of, whereabouts

Inputs = Literal["both", "question", "picture"]
WIDTH = 256  # of each vector before they meet
BOTH = (
    "Questions about images need both encoders: {image: NAME, text: NAME}, or one name such as "
    "CLIP's that is both."
)


class FusionHead(nn.Module):
    """A linear layer with ReLU on each vector, both side by side, a linear classifier.

    With one input alone the other vector plays no part, has no weights, and may be None.

    Shapes:
        image  (batch, image size)      question  (batch, question size)
        logits   (batch, options)
    """

    def __init__(
        self, image: int, question: int, options: int, *, width: int, inputs: Inputs = "both"
    ) -> None:
        super().__init__()
        self.inputs = inputs
        if inputs != "question":
            self.picture = nn.Linear(image, width)
        if inputs != "picture":
            self.question = nn.Linear(question, width)
        self.classifier = nn.Linear(2 * width if inputs == "both" else width, options)

    def forward(self, image: Tensor | None, question: Tensor | None) -> Tensor:
        parts = []
        if self.inputs != "question":
            parts.append(self.picture(image).relu())
        if self.inputs != "picture":
            parts.append(self.question(question).relu())
        logits: Tensor = self.classifier(torch.cat(parts, dim=-1))
        return logits


class Fusion(nn.Module):
    """A image encoder, a text encoder, and the head in which they meet.

    Vectors that are given are not computed: frozen encoders run once, not in every epoch.
    """

    def __init__(self, image: ImageEncoder, text: TextEncoder, head: FusionHead) -> None:
        super().__init__()
        self.image = image
        self.text = text
        self.head = head

    @property
    def config(self) -> Any:
        """The configuration of the text encoder: lengths and vocabulary are asked of it."""
        return self.text.trunk.config

    def forward(
        self,
        *,
        pixel_values: Tensor | None = None,
        image_embeds: Tensor | None = None,
        text_embeds: Tensor | None = None,
        **tokens: Tensor,
    ) -> SequenceClassifierOutput:
        if image_embeds is None and self.head.inputs != "question":
            image_embeds = self.image(pixel_values)
        if text_embeds is None and self.head.inputs != "picture":
            text_embeds = self.text(**tokens)
        return SequenceClassifierOutput(logits=self.head(image_embeds, text_embeds))

    def save_pretrained(self, folder: Path) -> None:
        """Write every number; the encoders' files are those of their sources."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {name: tensor.contiguous() for name, tensor in self.state_dict().items()}
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@dataclass
class PairProcessor:
    """A tokenizer for the questions and a processor for the images."""

    tokenizer: Any
    image_processor: Any
    prefix: str = ""  # before every question

    def __call__(self, questions: str | list[str], **options: Any) -> Any:
        if isinstance(questions, str):
            return self.tokenizer(self.prefix + questions, **options)
        return self.tokenizer([self.prefix + question for question in questions], **options)

    def __getattr__(self, name: str) -> Any:
        if name in ("tokenizer", "processor", "prefix"):  # while it is being copied
            raise AttributeError(name)
        return getattr(self.tokenizer, name)

    def pixels(self, images: Sequence[Any]) -> Tensor:
        """Pillow's images as the encoder reads them, shape (batch, 3, height, width)."""
        pixels: Tensor = self.image_processor(list(images), return_tensors="pt")["pixel_values"]
        return pixels

    def save_pretrained(self, folder: Path) -> None:
        self.tokenizer.save_pretrained(folder)
        self.image_processor.save_pretrained(folder)


def build_fusion(
    source: str,
    *,
    options: Sequence[str],
    seed: int,
    revision: str | None = None,
    dropout: float | None = None,
) -> Model:
    """The two encoders of a source such as ``microsoft/resnet-50 + all-MiniLM``, and a new head.

    A source that names one model names both encoders: CLIP's towers.

    Raises:
        InputError: an encoder is missing, or cannot be loaded.
    """
    image, text = parts_of(source)
    image_revision, text_revision = parts_of(revision) if revision else (None, None)
    image_encoder, image_processor = _load(
        load_image_encoder, "images", image, image_revision, dropout
    )
    text_encoder, tokenizer = _load(load_text_encoder, "texts", text, text_revision, dropout)
    torch.manual_seed(seed)
    head = FusionHead(image_encoder.size, text_encoder.size, len(options), width=WIDTH)
    module = Fusion(image_encoder, text_encoder, head).eval()
    return Model(
        module=module,
        processor=PairProcessor(tokenizer, image_processor, text_encoder.sentence.prefix),
        backbones={"image": "image.trunk", "text": "text.trunk"},
        head=head_names(module),
        max_length=longest_input(text_encoder.trunk, tokenizer),
        source=source,
        reads=", ".join(filter(None, (image_encoder.reads, text_encoder.reads))),
    )


def head_names(module: nn.Module) -> list[str]:
    return [name for name, _ in module.named_parameters() if name.startswith("head.")]


def _load(load: Any, what: str, source: str, revision: str | None, dropout: float | None) -> Any:
    what_fails = (
        f"model {source}: cannot be loaded as an encoder of {what} with safetensors weights"
    )
    with at_the_door(what_fails, hint=BOTH):
        where, folder = whereabouts(source, revision or None)
        with no_larger_than(stored_tensors(source, folder), source):
            return load(where, dropout)
