"""The loss of a language model on some of its tokens, with logits for these alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from tunewise.core.errors import SettingError
from tunewise.core.settings import refuse_below
from tunewise.decoding.strategies import Strategy
from tunewise.tasks.base import Batch, Encoded, Loss, Task
from tunewise.tasks.rows import IGNORED, packed, padded
from tunewise.tasks.ways import strategy


def token_losses(module: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """The loss of every supervised token, in nats, and whether it was the likeliest one.

    Shapes:
        both  (targets,)  row by row; `rows_of` says whose they are

    The backbone reads everything, the output layer only the positions before a supervised token:
    logits of a prompt, with a vocabulary of tens of thousands, would be most of the memory.

    Raises:
        ValueError: the batch has no supervised token; its mean loss would be 0 / 0.
    """
    if batch.targets == 0 or batch.asked is None:
        raise ValueError(f"no supervised token in the batch of {', '.join(batch.ids[:3])}")
    targets = batch.labels.flatten()[batch.asked + 1]
    with output_only_at(module, batch.asked):
        logits = module(**batch.inputs, use_cache=False).logits[0].float()  # (targets, vocabulary)
    losses = F.cross_entropy(logits, targets, reduction="none")
    return losses, logits.detach().argmax(-1) == targets


def rows_of(batch: Batch) -> NDArray[np.intp]:
    """For each of `token_losses`, the row of the batch that it belongs to."""
    return (batch.labels[:, 1:] != IGNORED).nonzero()[:, 0].cpu().numpy()


@contextmanager
def output_only_at(module: nn.Module, positions: Tensor) -> Iterator[None]:
    """Inside, the output layer sees these positions alone, one after another in one row.

    The rest of the model's forward pass stays its own, so families that scale or cap their
    logits keep doing so.

    Shapes:
        positions  (wanted,), counted through the batch row after row
    """

    def select(layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (inputs[0].flatten(0, 1)[positions].unsqueeze(0),)

    writer: Any = module
    hook = writer.get_output_embeddings().register_forward_pre_hook(select)
    try:
        yield
    finally:
        hook.remove()


class WrittenTask(Task):
    """A task whose answers a language model writes: it learns the tokens that are marked.

    These are settings of every such task, each with a default of its own.
    """

    decoding: tuple[str, ...]
    samples: int
    max_new_tokens: int
    max_length: int | None

    def __post_init__(self) -> None:
        """Raises SettingError where the settings of writing do not go together."""
        refuse_below(1, self, "samples", "max_new_tokens")
        if self.max_length is not None and self.max_length <= self.max_new_tokens:
            right = f"must leave room for a prompt before max_new_tokens = {self.max_new_tokens}."
            raise SettingError("max_length", self.max_length, right)
        if not self.decoding:
            raise SettingError("decoding", self.decoding, "at least one way, such as greedy.")
        labels = [way.label for way in self.strategies]
        for label in labels:
            if labels.count(label) > 1:
                raise SettingError("decoding", label, "stands twice.")

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        """The ways of decoding; those that draw do so `samples` times."""
        ways = (strategy(words, self.max_new_tokens) for words in self.decoding)
        return tuple(
            replace(way, samples=self.samples) if way.kind == "sample" else way for way in ways
        )

    def unread(self) -> dict[str, str]:
        if any(way.kind == "sample" for way in self.strategies):
            return {}
        ways = ", ".join(self.decoding)
        return {"samples": f"{ways} draws nothing, and writes the same answer each time"}

    def collate(self, encoded: Sequence[Encoded], processor: Any) -> Batch:
        return padded(encoded, processor.pad_token_id)

    def packed(self, encoded: Sequence[Encoded], processor: Any) -> Batch:
        return packed(encoded, processor.pad_token_id)

    def loss(self, module: nn.Module, batch: Batch) -> Loss:
        losses, right = token_losses(module, batch)
        return Loss(losses.sum(), int(right.sum()))
