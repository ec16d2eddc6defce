"""A split on its way into the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from tunewise.backbones.stored import Rows
from tunewise.tasks.base import Batch, Encoded, Task


class Stored(Protocol):
    """What is stored of a split's examples, and how a batch gets it."""

    def fill(self, batch: Batch, places: Sequence[int]) -> Batch: ...


@dataclass(frozen=True)
class Feed:
    """Encoded examples, with the stored outputs of the backbone where it is frozen."""

    task: Task
    processor: Any  # a tokenizer, or a processor of images and texts
    encoded: Sequence[Encoded]
    stored: Stored | None = None  # what frozen parts put out
    seed: int = 0  # of what is drawn while an answer is written
    packs: bool = False  # whether short examples share a row

    def batch(self, places: Sequence[int]) -> Batch:
        collate = self.task.packed if self.packs else self.task.collate
        batch = collate([self.encoded[place] for place in places], self.processor)
        return batch if self.stored is None else self.stored.fill(batch, places)


@dataclass(frozen=True)
class BackboneOutputs:
    """The outputs of a single frozen backbone in the place of what it would read."""

    rows: Rows  # one an example, shape (1 or 2, d); see `features`

    def fill(self, batch: Batch, places: Sequence[int]) -> Batch:
        return with_features(batch, self.rows.take(places))


def with_features(batch: Batch, features: Tensor) -> Batch:
    """The batch with stored outputs in the place of its tokens; its counts stay the tokens'."""
    inputs = {
        "inputs_embeds": features,
        "attention_mask": torch.ones(len(features), 1, dtype=torch.long, device=features.device),
    }
    return replace(batch, inputs=inputs)
