"""The loss of a language model on some of its tokens, with logits for these alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from tunewise.tasks.base import Batch, Encoded, Loss, Task

IGNORED = -100  # the label of a token that is not to be learned


def padded(encoded: Sequence[Encoded], padding: int, width: int | None = None) -> Batch:
    """A batch padded on the right to its longest row, or to `width`.

    Labels and mask go by the lengths: a padding token may be the end token, as GPT-2's is, and
    the end of an answer is learned all the same. Each row is written once, into its place.
    """
    width = width or max(example.length for example in encoded)
    shape = (len(encoded), width)
    ids = np.full(shape, padding, dtype=np.int64)
    mask = np.zeros(shape, dtype=np.int64)
    labels = np.full(shape, IGNORED, dtype=np.int64)
    for row, example in enumerate(encoded):
        ids[row, : example.length] = example.inputs["input_ids"]
        mask[row, : example.length] = 1
        for begin, end in example.learned or ((example.prompt, example.length),):
            labels[row, begin:end] = ids[row, begin:end]
    # Places, not a mask: a mask that picks waits for the device, to learn how many there are.
    rows, columns = (labels[:, 1:] != IGNORED).nonzero()  # nothing comes before the first token
    return Batch(
        ids=[example.id for example in encoded],
        inputs={"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)},
        labels=torch.from_numpy(labels),
        targets=len(rows),
        real_tokens=sum(example.length for example in encoded),
        padded_tokens=len(encoded) * width,
        prompts=tuple(example.inputs["input_ids"][: example.prompt] for example in encoded),
        asked=torch.from_numpy(rows * width + columns),
    )


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
    """A task whose answers a language model writes: it learns the tokens that are marked."""

    def collate(self, encoded: Sequence[Encoded], processor: Any) -> Batch:
        return padded(encoded, processor.pad_token_id)

    def loss(self, module: nn.Module, batch: Batch) -> Loss:
        losses, right = token_losses(module, batch)
        return Loss(losses.sum(), int(right.sum()))
