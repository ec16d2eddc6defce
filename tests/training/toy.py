"""A task and a model of a few weights: the sum of a row, above zero or not."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tunewise.backbones.builder import Builder
from tunewise.backbones.model import Model
from tunewise.data.examples import Example, Prediction
from tunewise.data.sources import Data
from tunewise.tasks.base import Asking, Batch, Encoded, Loss, Reading, Settled
from tunewise.tasks.choosing import Choosing


class Toy(Choosing):
    name = "toy"
    metrics = ("accuracy",)

    @property
    def reading(self) -> Reading:
        return Reading(("numbers", "label"), ("numbers",), answer="label", stratum="label")

    @property
    def builder(self) -> Builder:
        return Builder()

    def settle(self, data: Data) -> Settled:
        return Settled(data, data.splits, ("below", "above"))

    def read(self, row: dict[str, Any]) -> Example:
        return Example(row["id"], (row["numbers"],), row["label"])

    def encode(
        self,
        examples: Sequence[Example],
        processor: Any,
        *,
        max_length: int,
        learning: bool = False,
    ) -> list[Encoded]:
        listed_examples = [
            [int(number) for number in example.texts[0].split()] for example in examples
        ]
        return [
            Encoded(example.id, {"input_ids": ids}, example.label, len(ids))
            for example, ids in zip(examples, listed_examples, strict=True)
        ]

    def collate(self, encoded: Sequence[Encoded], processor: Any) -> Batch:
        longest = max(example.length for example in encoded)
        rows = [
            [*example.inputs["input_ids"], *[0] * (longest - example.length)] for example in encoded
        ]
        labels = torch.tensor([example.label or 0 for example in encoded])
        real = sum(example.length for example in encoded)
        inputs = {"input_ids": torch.tensor(rows)}
        ids = [example.id for example in encoded]
        return Batch(ids, inputs, labels, len(ids), real, longest * len(ids))

    def loss(self, module: nn.Module, batch: Batch) -> Loss:
        logits = module(**batch.inputs).logits.float()
        total = F.cross_entropy(logits, batch.labels, reduction="sum")
        return Loss(total, int((logits.argmax(-1) == batch.labels).sum()))

    def predict(self, module: nn.Module, batch: Batch, asking: Asking) -> list[Prediction]:
        logits = module(**batch.inputs).logits.float()
        losses = F.cross_entropy(logits, batch.labels, reduction="none").tolist()
        rows = zip(batch.ids, logits.argmax(-1).tolist(), logits.softmax(-1), losses, strict=True)
        return [Prediction(id, choice, tuple(p.tolist()), loss) for id, choice, p, loss in rows]


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Embedding(10, 8, padding_idx=0)
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(8, 2)

    def forward(self, input_ids: Tensor) -> SimpleNamespace:
        hidden = self.dropout(self.trunk(input_ids)).sum(1)
        return SimpleNamespace(logits=self.classifier(hidden))


def toy_model() -> Model:
    torch.manual_seed(0)
    head = ["classifier.weight", "classifier.bias"]
    return Model(Network(), processor=None, backbones={"text": "trunk"}, head=head)


def toy_examples(count: int) -> list[Example]:
    """Sequences of 1 to 7 digits; the label says whether most of them are above five."""
    generator = torch.Generator().manual_seed(count)
    examples = []
    for number in range(count):
        length = int(torch.randint(1, 8, (1,), generator=generator))
        digits = torch.randint(1, 10, (length,), generator=generator).tolist()
        above = sum(digit > 5 for digit in digits) * 2 > length
        examples.append(Example(str(number), (" ".join(map(str, digits)),), int(above)))
    return examples
