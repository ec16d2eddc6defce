"""What a task is: it reads rows, makes batches, and says what the loss and the answer are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from tunewise.core.registry import Registry
from tunewise.data.examples import Example, Prediction


class Encoded(NamedTuple):
    """One example as token numbers.

    `full_length` is its length in tokens before anything was cut off: batches are made by it, so
    that contenders with different limits see the same batches.
    """

    id: str
    inputs: dict[str, list[int]]
    label: int | None
    full_length: int

    @property
    def length(self) -> int:
        return len(self.inputs["input_ids"])


@dataclass(frozen=True)
class Batch:
    """Examples padded to one length. `targets` counts what the summed loss sums over."""

    ids: list[str]
    inputs: dict[str, Tensor]  # (batch, tokens) each
    labels: Tensor  # (batch,), -100 where the label is not known
    targets: int
    real_tokens: int  # without padding
    padded_tokens: int  # all positions, padding included

    def to(self, device: torch.device) -> Batch:
        inputs = {name: tensor.to(device) for name, tensor in self.inputs.items()}
        return replace(self, inputs=inputs, labels=self.labels.to(device))


class Loss(NamedTuple):
    """The summed loss of a batch in nats, and how many targets were answered correctly."""

    total: Tensor
    correct: int


class Task(ABC):
    """What is asked of a model. A task knows no method; its fields are its settings."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    metrics: tuple[str, ...]

    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns that a row must have."""

    @abstractmethod
    def read(self, row: dict[str, Any]) -> Example:
        """The example in a prepared row; options are already numbers."""

    @abstractmethod
    def encode(
        self, examples: Sequence[Example], coder: Any, *, max_length: int
    ) -> list[Encoded]: ...

    @abstractmethod
    def collate(self, encoded: Sequence[Encoded], coder: Any) -> Batch: ...

    @abstractmethod
    def loss(self, module: nn.Module, batch: Batch) -> Loss: ...

    @abstractmethod
    def predict(self, module: nn.Module, batch: Batch) -> list[Prediction]: ...


TASKS: Registry[Task] = Registry("task", "tunewise.tasks")
