"""Answer as the most similar training examples were answered; the model stays untouched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from tunewise.backbones.fusion import Fusion
from tunewise.backbones.model import Model
from tunewise.backbones.pools import mean
from tunewise.backbones.stored import AT_ONCE
from tunewise.backbones.texts import encoded
from tunewise.backbones.vectors import image_vectors, text_vectors
from tunewise.backbones.weights import read_tensors, save_tensors
from tunewise.core.files import read_json, write_json
from tunewise.core.settings import refuse_below, setting
from tunewise.data.examples import Example, Prediction
from tunewise.data.images import image_bytes, name_of, open_image
from tunewise.methods.answers import answers
from tunewise.methods.base import METHODS, Direct

VECTORS = "vectors.safetensors"
LABELS = "labels.json"


@METHODS.register("nearest-neighbour")
@dataclass(frozen=True)
class NearestNeighbour(Direct):
    """The most frequent answer among the `count` nearest training examples.

    Near is a high cosine between the model's vectors: the mean of a text's tokens or, with an
    image, the vectors of image and question side by side, each of length 1. Of equally
    frequent answers the nearest example's counts.
    """

    description = (
        "Nearest neighbor answers as the most similar training example does, by the frozen "
        "features of the model."
    )

    count: int = setting(1, "Neighbors that vote.")

    seeded = False
    cannot = MappingProxyType({"write": "it repeats one of a few answers"})

    def __post_init__(self) -> None:
        refuse_below(1, self, "count")

    def fit(
        self,
        train: Sequence[Example],
        options: Sequence[str],
        *,
        validation: Sequence[Example] = (),
        model: Model | None,
        seed: int,
    ) -> Neighbours:
        assert model is not None
        labels = [int(example.label or 0) for example in train]
        return Neighbours(model, vectors_of(model, train), labels, len(options), self.count)

    def load(self, folder: Path, *, model: Model | None) -> Neighbours:
        assert model is not None
        stored = read_json(folder / LABELS)
        vectors = read_tensors(folder / VECTORS)["vectors"]
        return Neighbours(model, vectors, stored["labels"], stored["options"], self.count)


@dataclass(frozen=True)
class Neighbours:
    """The training examples as vectors with their answers."""

    model: Model
    vectors: Tensor  # (examples, size), unit length
    labels: Sequence[int]
    options: int
    count: int

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        near = (vectors_of(self.model, examples) @ self.vectors.T).topk(
            min(self.count, len(self.vectors)), dim=1
        )
        # Votes, a nearer one worth a trifle more than all behind it; every option keeps a small
        # probability.
        votes = np.full((len(examples), self.options), 1 / self.options)
        own = np.array(self.labels)[near.indices.numpy()]
        for rank in range(own.shape[1]):
            votes[np.arange(len(examples)), own[:, rank]] += 1 + 1e-6 * 0.5**rank
        return answers(examples, votes / votes.sum(axis=1, keepdims=True))

    def save(self, folder: Path) -> None:
        save_tensors({"vectors": self.vectors}, folder / VECTORS)
        write_json(folder / LABELS, {"labels": list(self.labels), "options": self.options})


def vectors_of(model: Model, examples: Sequence[Example]) -> Tensor:
    """The model's vectors of examples, shape (examples, size), of length 1."""
    limit = min(model.max_length, model.longest_text or model.max_length)
    rows = [e.texts for e in examples]
    read = encoded(model.processor, rows, truncation=True, max_length=limit)
    texts = [
        {name: column[place] for name, column in read.items()} for place in range(len(examples))
    ]
    if isinstance(model.module, Fusion):
        shown = {e.image for e in examples}  # several questions may be on one image
        names = {path: name_of(image_bytes(path, Path())) for path in shown}  # as studies name them
        paths = {name: path for path, name in names.items()}
        images = image_vectors(model.module, model.processor, paths, opener=open_image)
        where = {name: place for place, name in enumerate(sorted(paths))}
        questions = text_vectors(model.module, model.processor, texts)
        both = (
            images.take([where[names[e.image]] for e in examples]),
            questions.take(range(len(examples))),
        )
        return F.normalize(torch.cat([F.normalize(part, dim=1) for part in both], dim=1), dim=1)
    return F.normalize(_averaged(model, texts), dim=1)


@torch.no_grad()
def _averaged(model: Model, texts: Sequence[Any]) -> Tensor:
    backbone = model.module.get_submodule(model.backbones["text"])
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]["input_ids"]))
    found: dict[int, Tensor] = {}
    for start in range(0, len(order), AT_ONCE):
        part = order[start : start + AT_ONCE]
        batch = model.processor.pad([texts[place] for place in part], return_tensors="pt")
        batch = batch.to(model.device)
        hidden = backbone(**batch).last_hidden_state
        found.update(zip(part, mean(hidden, batch["attention_mask"]).float().cpu(), strict=True))
    return torch.stack([found[place] for place in range(len(texts))])
