"""A split on its way into the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from tunewise.tasks.base import Batch, Encoded, Task
from tunewise.training.stored import Rows


@dataclass(frozen=True)
class Feed:
    """Encoded examples, with the stored outputs of the trunk where it is frozen."""

    task: Task
    coder: Any  # a transformers tokenizer
    encoded: Sequence[Encoded]
    features: Rows | None = None  # a row an example, shape (1 or 2, d)

    def batch(self, places: Sequence[int]) -> Batch:
        batch = self.task.collate([self.encoded[place] for place in places], self.coder)
        if self.features is None:
            return batch
        return with_features(batch, self.features.take(places))


def with_features(batch: Batch, features: Tensor) -> Batch:
    """The batch with stored outputs in the place of its tokens; its counts stay the tokens'."""
    inputs = {
        "inputs_embeds": features,
        "attention_mask": torch.ones(len(features), 1, dtype=torch.long, device=features.device),
    }
    return replace(batch, inputs=inputs)
