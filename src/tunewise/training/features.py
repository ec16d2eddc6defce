"""What a frozen backbone puts out, computed once and used by every trial, seed and epoch.

A backbone is frozen when no trainable parameter lies in it or before it; nobody declares this. It
runs in evaluation mode, without dropout. In training a stub takes its place and returns the stored
outputs, so that the rest of the model runs unchanged for every family of models.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPast, BaseModelOutputWithPooling

from tunewise.backbones.model import Model
from tunewise.backbones.pools import POOLS
from tunewise.backbones.stored import OnRows, Rows, share, stored_rows
from tunewise.core.cache import cache_folder
from tunewise.core.canonical import digest
from tunewise.core.files import is_complete
from tunewise.tasks.base import Batch, Encoded, Task
from tunewise.tasks.encoded_texts import token_lengths
from tunewise.training.batches import evaluation_batches
from tunewise.training.encoded_split import with_features
from tunewise.training.predictor import EVALUATION_BATCH
from tunewise.training.vectors import frozen_encoders, vectors_key

VERSION = 4  # rises when stored features would differ


def unheard(rows: int) -> None:
    """For rows of which whoever listens has heard."""


def is_frozen(model: Model) -> bool:
    """Whether all that is trained lies behind the one backbone, in the head."""
    if len(model.backbones) != 1:
        return False
    trained = {name for name, weight in model.module.named_parameters() if weight.requires_grad}
    (backbone,) = model.backbones.values()
    in_backbone = any(name.startswith(f"{backbone}.") for name in trained)
    return bool(trained) and trained <= set(model.head) and not in_backbone


class Reduction(NamedTuple):
    """What is stored of a backbone's output: one of `POOLS`, and the pooler's if there is one."""

    name: str
    has_pooler: bool


class Stub(nn.Module):
    """Stands where the backbone stood and returns stored outputs, given as ``inputs_embeds``.

    Shapes:
        inputs_embeds  (batch, 1, d), or (batch, 2, d) with the pooler's output second
    """

    def __init__(self, backbone: nn.Module, *, has_pooler: bool) -> None:
        super().__init__()
        self.config = backbone.config
        self.has_pooler = has_pooler

    def forward(
        self, input_ids: Any = None, inputs_embeds: Tensor | None = None, **_: Any
    ) -> BaseModelOutputWithPast | BaseModelOutputWithPooling:
        assert inputs_embeds is not None
        if self.has_pooler:
            return BaseModelOutputWithPooling(
                last_hidden_state=inputs_embeds[:, :1], pooler_output=inputs_embeds[:, 1]
            )
        # Decoders' classifiers ask for the past as well; there is none.
        return BaseModelOutputWithPast(last_hidden_state=inputs_embeds)


@torch.no_grad()  # not inference mode: the head must be able to learn from these
def run_backbone(model: Model, batch: Batch, reduction: str) -> Tensor:
    """The reduced outputs for a batch, shape (batch, 1 or 2, d), float32."""
    (path,) = model.backbones.values()
    output = model.module.get_submodule(path)(**batch.inputs)
    reduced = POOLS[reduction](output.last_hidden_state, batch.inputs["attention_mask"])
    pooler = getattr(output, "pooler_output", None)
    return torch.stack([reduced] if pooler is None else [reduced, pooler], 1).float()


@torch.no_grad()
def reduction_for(model: Model, task: Task, encoded: Sequence[Encoded]) -> Reduction | None:
    """The reduction after which the head gives the same answers, found by trying.

    Most heads read one position or a vector pooled from all. None where the head reads whole
    sequences.
    """
    (path,) = model.backbones.values()
    model.module.eval()
    backbone = model.module.get_submodule(path)
    by_length = sorted(range(len(encoded)), key=token_lengths(encoded).__getitem__)
    sample = [encoded[place] for place in [*by_length[:2], *by_length[-2:]]]
    batch = task.collate(sample, model.processor).to(model.device)
    wanted = model.module(**batch.inputs).logits
    for name in POOLS:
        features = run_backbone(model, batch, name)
        has_pooler = features.shape[1] == 2
        model.module.set_submodule(path, Stub(backbone, has_pooler=has_pooler))
        found = model.module(**with_features(batch, features).inputs).logits
        model.module.set_submodule(path, backbone)
        if torch.allclose(found, wanted, rtol=1e-4, atol=1e-5):
            return Reduction(name, has_pooler)
    return None


@dataclass(frozen=True)
class FeatureStore:
    """A backbone's outputs for the splits of a study, each computed once for all studies.

    `folder` is named by `feature_key`, so its content can only be one thing. It is made in the
    user's cache and shared with the study; where there can be no cache, in the study alone.
    """

    folder: Path
    model: Model
    task: Task
    reduction: Reduction
    on_rows: OnRows = lambda rows: None

    def get(self, split: str, encoded: Sequence[Encoded]) -> Rows:
        """The features of a split, a row an example, shape (1 or 2, d) each."""
        here = self.folder / split
        cache = cache_folder() / "features" / self.folder.name / split
        on_rows = self.on_rows
        if not is_complete(here):
            with suppress(OSError):  # no cache here: computed below, for this study alone
                self._rows(cache, encoded, on_rows)
                on_rows = unheard
                share(cache, here)
        return self._rows(here, encoded, on_rows)

    def _rows(self, folder: Path, encoded: Sequence[Encoded], on_rows: OnRows) -> Rows:
        def compute(places: range) -> Tensor:
            return self._compute([encoded[place] for place in places])

        return stored_rows(folder, len(encoded), compute, on_rows=on_rows)

    def _compute(self, encoded: Sequence[Encoded]) -> Tensor:
        rows: dict[int, Tensor] = {}
        self.model.module.eval()
        for places in evaluation_batches([example.length for example in encoded], EVALUATION_BATCH):
            batch = self.task.collate([encoded[place] for place in places], self.model.processor)
            outputs = run_backbone(
                self.model, batch.to(self.model.device), self.reduction.name
            ).cpu()
            rows.update(zip(places, outputs, strict=True))
        return torch.stack([rows[place] for place in range(len(encoded))])


def features_of(
    model: Model, model_hash: str, task: Task, max_length: int, data_hash: str
) -> str | None:
    """The address of what frozen parts of an adapted model put out; None where none is frozen."""
    key = feature_key(model_hash, task, max_length, data_hash)
    if encoders := frozen_encoders(model):
        return vectors_key(key, encoders)
    return key if is_frozen(model) else None


def feature_key(model_hash: str, task: Task, max_length: int, data_hash: str) -> str:
    """The address of a backbone's outputs for a data set."""
    parts = {
        "version": VERSION,
        "model": model_hash,
        "task": [task.name, task.reading.columns, getattr(task, "pooling", None)],
        "max_length": max_length,
        "data": data_hash,
    }
    return digest(parts)
