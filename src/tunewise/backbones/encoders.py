"""Pretrained encoders of images and of texts, each with the vector it stands for.

A image's vector is what its encoder was made to give: CLIP's projection, the pooled output of a
ResNet or a Swin, or the first position where a vision Transformer has a class token there. A text's
vector is CLIP's projection, or as the files of a sentence encoder say (`sentence`), or else the
mean of its tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from transformers import (
    MODEL_MAPPING,
    AutoImageProcessor,
    AutoModel,
    AutoTokenizer,
    CLIPTextModelWithProjection,
    CLIPVisionModelWithProjection,
    PreTrainedConfig,
)

from tunewise.backbones.configuration import configuration_of
from tunewise.backbones.load import set_dropout
from tunewise.backbones.pooling import backbone_kind, backbone_options
from tunewise.backbones.pools import pooled
from tunewise.backbones.sentence import PLAIN, Sentence, Where, sentence_of

LOADING: dict[str, Any] = {
    "use_safetensors": True,
    "trust_remote_code": False,
    "dtype": torch.float32,
}
USUAL = 224  # pixels on each side, where a configuration does not say
DUMMY = (64, 48)  # pixels, before a processor has seen it
CLASS_TOKEN = ("cls_token", "class_token", "class_embedding")  # what families call its parameters

Make = Callable[..., Any]
"""Makes a backbone of a class of the library, a configuration, and options of that class."""


class ImageEncoder(nn.Module):
    """Images to vectors.

    Shapes:
        pixel_values  (batch, 3, height, width)      vectors  (batch, size)
    """

    def __init__(self, backbone: nn.Module, pixels: Tensor | None = None) -> None:
        """`pixels` is one image as its processor gives it, from which the size is found.

        Raises:
            ValueError: the backbone makes no vector of it.
        """
        super().__init__()
        self.trunk = backbone
        self.pooling, self.size = _asked(backbone, pixels)

    @property
    def reads(self) -> str:
        """How, where trials were once given the first place of a family without a token there."""
        is_new = self.pooling == POOLED and not hasattr(self.trunk.config, "hidden_sizes")
        return "pooled output" if is_new else ""

    def forward(self, pixel_values: Tensor) -> Tensor:
        return _vectors(self.trunk(pixel_values=pixel_values, return_dict=True), self.pooling)


PROJECTION, POOLED, FIRST = "image_embeds", "pooler_output", "last_hidden_state"


def _vectors(output: Any, pooling: str) -> Tensor:
    found: Tensor = output[pooling]
    return found[:, 0] if pooling == FIRST else found.flatten(1)


@torch.no_grad()
def _asked(backbone: Any, pixels: Tensor | None) -> tuple[str, int]:
    """Which output holds an image's vector, and its size, by asking for that of an image.

    Raises:
        ValueError: none does.
    """
    kind = backbone.config.model_type
    device = next(backbone.parameters()).device
    if pixels is None:
        height, width = image_sides(backbone.config)
        pixels = torch.linspace(-1, 1, 3 * height * width).reshape(1, 3, height, width)
    was_training = backbone.training
    backbone.eval()
    try:
        output = backbone(pixel_values=pixels.to(device), return_dict=True)
        pooling = _pooling(backbone, output)
        vectors = [_vectors(output, pooling)]
        if device.type != "meta":
            again = backbone(pixel_values=pixels.to(device), return_dict=True)
            vectors.append(_vectors(again, pooling))
    except Exception as error:  # foreign code, which may raise anything where it is no encoder
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"a {kind} model gives no vector of an image: {reason}") from error
    finally:
        backbone.train(was_training)
    if len(vectors) > 1 and not torch.equal(*vectors):
        raise ValueError(f"a {kind} model reads the same image in another way each time")
    return pooling, vectors[0].shape[1]


def _pooling(backbone: nn.Module, output: Any) -> str:
    if PROJECTION in output:
        return PROJECTION
    names = {name.rpartition(".")[2] for name, _ in backbone.named_parameters()}
    has_token = bool(names & set(CLASS_TOKEN)) and output[FIRST].dim() == 3
    if (found := output.get(POOLED)) is None and not has_token:
        raise ValueError("it has neither a pooled output nor a class token")
    # DINOv2's pooled output is its class token.
    is_token = has_token and (
        found is None or (found.device.type != "meta" and torch.equal(found, output[FIRST][:, 0]))
    )
    return FIRST if is_token else POOLED


def image_sides(config: Any) -> tuple[int, int]:
    """Height and width of the images that a configuration speaks of."""
    size = getattr(config, "image_size", None) or USUAL
    height, width = (size, size) if isinstance(size, int) else size
    return height, width


class TextEncoder(nn.Module):
    """Texts to vectors.

    Shapes:
        input_ids, attention_mask  (batch, tokens)      vectors  (batch, size)
    """

    def __init__(self, backbone: nn.Module, sentence: Sentence = PLAIN) -> None:
        super().__init__()
        self.trunk = backbone
        self.sentence = sentence
        self.behind = nn.Sequential(*sentence.behind).to(next(backbone.parameters()).device)
        config: Any = backbone.config
        self.size = int(config.projection_dim if is_clip(config) else self._pooled_size(config))

    def _pooled_size(self, config: Any) -> int:
        """Raises ValueError where what lies behind the pooling is of another size."""
        size = config.hidden_size * len(self.sentence.pooling)
        vector = torch.zeros(1, size, device=next(self.trunk.parameters()).device)
        try:
            return int(self.behind(vector).shape[1])
        except RuntimeError as error:
            raise ValueError(
                f"its pooling gives {size} values, and what follows takes others"
            ) from error

    @property
    def pooling(self) -> str:
        """How a vector is made, in words that name it among others of the same weights."""
        return f"{self.sentence.pooling} {self.sentence.behind}"

    @property
    def reads(self) -> str:
        return self.sentence.reads

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **more: Tensor) -> Tensor:
        output = self.trunk(
            input_ids=input_ids, attention_mask=attention_mask, return_dict=True, **more
        )
        if "text_embeds" in output:
            vectors: Tensor = output.text_embeds
            return vectors
        found = pooled(output.last_hidden_state, attention_mask, self.sentence.pooling)
        behind: Tensor = self.behind(found)
        return behind


def is_clip(config: PreTrainedConfig) -> bool:
    return config.model_type.startswith("clip")


def image_backbone(config: Any, make: Make) -> Any:
    """The backbone that reads images; of a model with two towers, that tower.

    Raises:
        ValueError: there is none.
    """
    tower = getattr(config, "vision_config", config)
    if type(tower) not in MODEL_MAPPING:
        raise ValueError(f"the library has no encoder of images for a {config.model_type} model")
    if is_clip(config):
        backbone = make(CLIPVisionModelWithProjection, tower)
    else:
        backbone = make(AutoModel, tower, **image_options(tower))
    if backbone.main_input_name != "pixel_values":
        raise ValueError(f"a {config.model_type} model reads no images")
    return backbone


def image_options(config: Any) -> dict[str, Any]:
    """Leave out a dense pooler: no classifier of its family reads it, and checkpoints lack it."""
    if not backbone_options(config):
        return {}  # there is no choice
    with torch.device("meta"):
        pooler = getattr(AutoModel.from_config(config, add_pooling_layer=True), "pooler", None)
    is_dense = pooler is not None and any(isinstance(m, nn.Linear) for m in pooler.modules())
    return {"add_pooling_layer": not is_dense}


def text_backbone(config: Any, make: Make) -> Any:
    """The backbone that reads texts; of CLIP, that tower.

    Raises:
        ValueError: there is none.
    """
    if is_clip(config):
        return make(CLIPTextModelWithProjection, getattr(config, "text_config", config))
    if hasattr(config, "vision_config"):
        raise ValueError(f"the texts of a {config.model_type} model are read in a way of their own")
    backbone = make(backbone_kind(config), config, **backbone_options(config))
    if backbone.main_input_name != "input_ids":
        raise ValueError(f"a {config.model_type} model reads no texts")
    return backbone


def load_image_encoder(where: Where, dropout: float | None = None) -> tuple[ImageEncoder, Any]:
    """The encoder and its processor, which needs no torchvision.

    `dropout` is the probability in every place that has one; None keeps those.

    Raises:
        OSError, ValueError, KeyError, ImportError: it cannot be loaded, or is no encoder of
            images.
    """
    config = configuration_of(where)
    processor = AutoImageProcessor.from_pretrained(**where, backend="pil", trust_remote_code=False)
    backbone = image_backbone(config, _loader(where, dropout))
    return ImageEncoder(backbone, dummy(processor)), processor


def dummy(processor: Any) -> Tensor:
    """A image as a processor gives it, (1, 3, height, width): no two places of it are alike."""
    image = Image.linear_gradient("L").rotate(30).resize(DUMMY).convert("RGB")
    pixels: Tensor = processor([image], return_tensors="pt")["pixel_values"]
    return pixels


def load_text_encoder(where: Where, dropout: float | None = None) -> tuple[TextEncoder, Any]:
    """The encoder and its tokenizer, which pads on the right. `dropout` as for images.

    Raises:
        OSError, ValueError, KeyError, ImportError: it cannot be loaded, or is no encoder of texts.
    """
    config = configuration_of(where)
    tokenizer = AutoTokenizer.from_pretrained(**where, trust_remote_code=False)
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token is None:
            raise ValueError("its tokenizer has neither a padding nor an end token")
        tokenizer.pad_token = tokenizer.eos_token  # masked, so any token serves
    tokenizer.padding_side = "right"
    sentence = PLAIN if is_clip(config) else sentence_of(where)
    backbone = text_backbone(config, _loader(where, dropout))
    sentence.settle(tokenizer)
    return TextEncoder(backbone, sentence), tokenizer


def _loader(where: Where, dropout: float | None) -> Make:
    def load(kind: Any, config: Any, **options: Any) -> Any:
        """The pretrained backbone.

        Raises:
            ValueError: the checkpoint lacks most of it, and it would start from noise.
        """
        if dropout is not None:
            set_dropout(config, dropout)
        backbone, report = kind.from_pretrained(
            **where, **LOADING, config=config, output_loading_info=True, **options
        )
        names = dict(backbone.named_parameters())
        lacking = [name for name in report["missing_keys"] if name in names]
        if len(lacking) > len(names) / 2:
            raise ValueError(
                f"its weights lack {len(lacking)} of {len(names)} tensors, such as '{lacking[0]}'; "
                "they are of another architecture"
            )
        return backbone

    return load
