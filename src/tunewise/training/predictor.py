"""A trained model as a predictor: what evaluation, tests, predict and export see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from tunewise.backbones.model import Model
from tunewise.data.examples import Example, Prediction
from tunewise.methods.base import Adaptation
from tunewise.tasks.base import Batch, Encoded, Task
from tunewise.training.batches import evaluation_batches

EVALUATION_BATCH = 64
"""Examples at once. Fixed, because the last digits of a score depend on how batches are made."""


@dataclass(frozen=True)
class ModelPredictor:
    """An adapted model with its task."""

    task: Task
    method: Adaptation
    model: Model
    max_length: int

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        encoded = self.task.encode(examples, self.model.coder, max_length=self.max_length)
        return predict_encoded(self.task, self.model, encoded)

    def save(self, folder: Path) -> None:
        self.method.save(self.model, folder)


def predict_encoded(
    task: Task,
    model: Model,
    encoded: Sequence[Encoded],
    *,
    collate: Callable[[Sequence[Encoded]], Batch] | None = None,
) -> list[Prediction]:
    """Predictions in the order given, computed in batches of similar length."""
    collate = collate or (lambda items: task.collate(items, model.coder))
    found: dict[int, Prediction] = {}
    was_training = model.module.training
    model.module.eval()
    with torch.inference_mode():
        for places in evaluation_batches([item.length for item in encoded], EVALUATION_BATCH):
            batch = collate([encoded[place] for place in places]).to(model.device)
            found.update(zip(places, task.predict(model.module, batch), strict=True))
    model.module.train(was_training)
    return [found[place] for place in range(len(encoded))]
