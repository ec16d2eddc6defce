"""What all tasks share that choose one of a few options, whatever the model reads."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from torch import nn
from torch.nn import functional as F

from tunewise.data.examples import Example, Prediction, Reply
from tunewise.statistics.metrics import Columns, scores_of, upward
from tunewise.statistics.temperature import softened_losses
from tunewise.tasks.base import Asking, Batch, Loss, Task

IGNORED = -100  # the label of an example whose right option is not known


class Choosing(Task):
    """One option of several."""

    def loss(self, module: nn.Module, batch: Batch) -> Loss:
        logits = module(**batch.inputs).logits.float()
        total = F.cross_entropy(logits, batch.labels, ignore_index=IGNORED, reduction="sum")
        return Loss(total, int((logits.detach().argmax(-1) == batch.labels).sum()))

    def predict(self, module: nn.Module, batch: Batch, asking: Asking) -> list[Prediction]:
        logits = module(**batch.inputs).logits.float()
        losses = F.cross_entropy(logits, batch.labels, ignore_index=IGNORED, reduction="none")
        known = (batch.labels != IGNORED).tolist()
        rows = zip(
            batch.ids,
            logits.argmax(-1).tolist(),
            logits.softmax(-1).tolist(),
            losses.tolist(),
            known,
            strict=True,
        )
        return [
            Prediction(id, choice, tuple(probabilities), loss if is_known else None)
            for id, choice, probabilities, loss, is_known in rows
        ]

    def score(
        self, predictions: Sequence[Prediction], examples: Sequence[Example]
    ) -> dict[str, float | None]:
        columns = Columns(
            labels=np.array([example.label for example in examples]),
            choices=np.array([prediction.choice for prediction in predictions]),
            probabilities=np.array([prediction.probabilities for prediction in predictions]),
        )
        return scores_of(columns, (*self.metrics, "loss"))

    def comparable_losses(
        self, predictions: Sequence[Prediction], examples: Sequence[Example]
    ) -> list[float]:
        """Those of softened answers: a few sure mistakes would outweigh what a model knows."""
        plain = super().comparable_losses(predictions, examples)
        if not all(map(math.isfinite, plain)):
            return plain
        known = [
            (prediction.probabilities, example.label)
            for prediction, example in zip(predictions, examples, strict=True)
            if prediction.loss is not None and example.label is not None
        ]
        if not known:
            return []
        probabilities, labels = zip(*known, strict=True)
        return softened_losses(probabilities, labels).tolist()

    def example_scores(
        self, predictions: Sequence[Prediction], examples: Sequence[Example]
    ) -> list[float]:
        """1 for a right answer; where accuracy is not what counts, as much for each class.

        Where what counts is the better the lower it is, less the losses.
        """
        if upward(self.metrics[0], 1.0) < 0:
            return super().example_scores(predictions, examples)
        known = [
            (prediction.choice == example.label, example.label)
            for prediction, example in zip(predictions, examples, strict=True)
            if example.label is not None
        ]
        if self.metrics[0] == "accuracy":
            return [float(is_right) for is_right, _ in known]
        sizes = Counter(label for _, label in known)
        return [is_right * len(known) / (len(sizes) * sizes[label]) for is_right, label in known]

    def table(self, predictions: Sequence[Prediction], examples: Sequence[Example]) -> pa.Table:
        """One row an example: id, right option, chosen option, probabilities, loss in nats.

        Of a prompted model also what it wrote, see `Reply`.
        """
        columns: dict[str, Any] = {
            "id": pa.array([prediction.id for prediction in predictions], pa.string()),
            "label": pa.array([example.label for example in examples], pa.int32()),
            "choice": pa.array([prediction.choice for prediction in predictions], pa.int32()),
            "probabilities": pa.array(
                [prediction.probabilities for prediction in predictions], pa.list_(pa.float32())
            ),
            "loss": pa.array([prediction.loss for prediction in predictions], pa.float64()),
        }
        if replies := [
            prediction.reply for prediction in predictions if prediction.reply is not None
        ]:
            columns |= {name: [getattr(one, name) for one in replies] for name in Reply._fields}
        return pa.table(columns)
