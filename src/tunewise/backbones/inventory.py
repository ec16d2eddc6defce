"""What of a model can be adapted: its layers with role, shape and size, alike ones together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoModelForSequenceClassification,
)
from transformers.pytorch_utils import Conv1D

from tunewise.backbones.configuration import configuration_of
from tunewise.backbones.door import at_the_door
from tunewise.backbones.fusion import WIDTH, Fusion, FusionHead, head_names
from tunewise.backbones.fusion_shape import image_shape, text_shape
from tunewise.backbones.model import Model
from tunewise.backbones.modules import ALL_LINEAR, GROUPS, roles, shape_of, targets
from tunewise.backbones.size import no_larger_than
from tunewise.backbones.sources import EMBEDDED, PAIR, locate, parts_of, resolve
from tunewise.core.paths import path_from

_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")


@dataclass(frozen=True)
class Group:
    """Layers of one kind, shape and place in their blocks.

    `pattern` is their path within the backbone, with * for the number of the block; `roles` are
    those of parts.py, several for a fused projection. `words` are the target words that select
    them, beside their own names.
    """

    pattern: str
    kind: str  # linear, embedding, norm or head
    roles: tuple[str, ...]
    shape: tuple[int, ...]  # in and out; the rows and width of a table; the width of a norm
    parameters: int  # of each
    paths: tuple[str, ...]
    words: tuple[str, ...]


def skeleton(source: str, revision: str | None = None) -> Model:
    """A classifier of that configuration without weights; of its source only config.json is read.

    Raises:
        InputError: there is no such model, or its family has no classifier for texts.
    """
    if PAIR in source:
        return pair_skeleton(source, revision)
    where: dict[str, Any] = _where(source, revision)
    what_fails = f"model {source}: no classifier of texts can be built of it"
    hint = f"A image encoder is listed with its text encoder: 'IMAGE{PAIR}TEXT'."
    with (
        at_the_door(what_fails, hint),
        torch.device("meta"),
        no_larger_than(None, source),
    ):
        config = configuration_of(where)
        module: Any = AutoModelForSequenceClassification.from_config(config)
    backbone = module.base_model_prefix
    head = [name for name, _ in module.named_parameters() if not name.startswith(f"{backbone}.")]
    return Model(module, processor=None, backbones={"text": backbone}, head=head, source=source)


def pair_skeleton(source: str, revision: str | None) -> Model:
    """Two encoders and the head in which they meet, as `skeleton`."""
    revisions = parts_of(revision) if revision else (None, None)
    image, text = (
        _encoder(part, wanted or None, shape)
        for part, wanted, shape in zip(
            parts_of(source), revisions, (image_shape, text_shape), strict=True
        )
    )
    with torch.device("meta"):
        head = FusionHead(image.size, text.size, 2, width=WIDTH)
    module = Fusion(image, text, head)
    backbones = {"image": "image.trunk", "text": "text.trunk"}
    return Model(
        module, processor=None, backbones=backbones, head=head_names(module), source=source
    )


def _encoder(source: str, revision: str | None, shape: Any) -> Any:
    what_fails = f"model {source}: no encoder can be built of it"
    with at_the_door(what_fails), torch.device("meta"), no_larger_than(None, source):
        return shape(_where(source, revision))


def _where(source: str, revision: str | None) -> dict[str, Any]:
    where: dict[str, Any] = {"pretrained_model_name_or_path": source}
    path = path_from(Path(), source)
    if not source.startswith(EMBEDDED) and (path / "config.json").is_file():
        where["pretrained_model_name_or_path"] = str(path)
    elif folder := locate(source):
        where["pretrained_model_name_or_path"] = str(folder)
    else:
        where["revision"] = resolve(source, revision)["revision"]
    return where


def inventory(model: Model) -> list[Group]:
    """Every linear layer, embedding and norm, in the order of the model."""
    by_role = roles(model)
    selected = {word: {path for path, _ in layers} for word, layers in by_word(model).items()}
    found: dict[tuple[Any, ...], list[str]] = {}
    for path, layer in model.module.named_modules():
        if kind := _kind(model, path, layer):
            parameters = sum(weight.numel() for weight in layer.parameters())
            key = (_pattern(model, path), kind, by_role.get(path, ()), _shape(layer), parameters)
            found.setdefault(key, []).append(path)
    groups = []
    for (pattern, kind, own, shape, parameters), paths in found.items():
        words = tuple(word for word in selected if paths[0] in selected[word])
        groups.append(Group(pattern, kind, own, shape, parameters, tuple(paths), words))
    return groups


def by_word(model: Model) -> dict[str, list[tuple[str, Any]]]:
    """The layers that each target word selects, of the words that select any."""
    known = {role for own in roles(model).values() for role in own}
    words = [word for word, members in GROUPS.items() if known & set(members)]
    return {word: targets(model, [word]) for word in (*words, ALL_LINEAR)}


def _kind(model: Model, path: str, layer: nn.Module) -> str:
    if isinstance(layer, (nn.Linear, Conv1D)):
        return "head" if any(name.startswith(f"{path}.") for name in model.head) else "linear"
    if isinstance(layer, nn.Embedding):
        return "embedding"
    has_weight = getattr(layer, "weight", None) is not None
    return "norm" if has_weight and "norm" in type(layer).__name__.lower() else ""


def _shape(layer: Any) -> tuple[int, ...]:
    if isinstance(layer, (nn.Linear, Conv1D)):
        return shape_of(layer)
    return tuple(layer.weight.shape)


def _pattern(model: Model, path: str) -> str:
    for name, backbone in model.backbones.items():
        within = f"{name}." if len(model.backbones) > 1 else ""  # as targets name it
        if path.startswith(f"{backbone}."):
            path = within + path.removeprefix(f"{backbone}.")
    return _NUMBER.sub("*", path)
