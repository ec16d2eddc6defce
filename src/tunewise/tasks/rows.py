"""Texts in the rows of a batch: each in one of its own, or several in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from tunewise.tasks.base import Batch, Encoded

IGNORED = -100  # the label of a token that is not to be learned


def padded(encoded: Sequence[Encoded], padding: int, width: int | None = None) -> Batch:
    """A batch padded on the right to its longest row, or to `width`, an example in each row."""
    width = width or max(example.length for example in encoded)
    ids, labels = _laid_out(encoded, [(row, 0) for row in range(len(encoded))], width, padding)
    mask = np.zeros(ids.shape, dtype=np.int64)
    for row, example in enumerate(encoded):
        mask[row, : example.length] = 1
    return _batch(encoded, ids, labels, {"attention_mask": mask})


def packed(encoded: Sequence[Encoded], padding: int) -> Batch:
    """The same examples in the rows of `shared_rows`, none of which sees another.

    Positions start again at 0 with each example, and no mask goes with them: where transformers
    sees that, it lets a token attend to those of its own stretch alone. The padding of a row is one
    more stretch, from which nothing is learned.
    """
    rows = shared_rows([example.length for example in encoded])
    width = max(example.length for example in encoded)
    positions = np.zeros((len(rows), width), dtype=np.int64)
    places = [(0, 0)] * len(encoded)
    for row, sharing in enumerate(rows):
        column = 0
        for at in sharing:
            length = encoded[at].length
            places[at] = (row, column)
            positions[row, column : column + length] = np.arange(length)
            column += length
        positions[row, column:] = np.arange(width - column)
    ids, labels = _laid_out(encoded, places, width, padding)
    return _batch(encoded, ids, labels, {"position_ids": positions})


def shared_rows(lengths: Sequence[int]) -> list[list[int]]:
    """The places of examples, row by row, where as many share a row as the longest has room for.

    The longest first, each into the first row that has room for it. There are never more rows than
    examples, and none is wider than in a batch without sharing.

    >>> shared_rows([3, 10, 4, 6, 4])
    [[1], [3, 2], [4, 0]]
    """
    width = max(lengths)
    rows: list[list[int]] = []
    room: list[int] = []
    for at in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        row = next((row for row, left in enumerate(room) if left >= lengths[at]), len(rows))
        if row == len(rows):
            rows.append([])
            room.append(width)
        rows[row].append(at)
        room[row] -= lengths[at]
    return rows


def positions_computed(lengths: Sequence[int], *, packs: bool) -> int:
    """Positions of a batch of examples of these lengths, padding included."""
    return (len(shared_rows(lengths)) if packs else len(lengths)) * max(lengths)


def _laid_out(
    encoded: Sequence[Encoded], places: Sequence[tuple[int, int]], width: int, padding: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tokens and labels (rows, width), each example from its place (row, column) on.

    Labels go by the lengths: a padding token may be the end token, as GPT-2's is, and the end of an
    answer is learned all the same. Each example is written once, into its place.
    """
    shape = (1 + max(row for row, _ in places), width)
    ids = np.full(shape, padding, dtype=np.int64)
    labels = np.full(shape, IGNORED, dtype=np.int64)
    for example, (row, column) in zip(encoded, places, strict=True):
        ids[row, column : column + example.length] = example.inputs["input_ids"]
        for begin, end in example.learned or ((example.prompt, example.length),):
            stretch = slice(column + max(begin, 1), column + end)  # nothing comes before the first
            labels[row, stretch] = ids[row, stretch]
    return ids, labels


def _batch(
    encoded: Sequence[Encoded],
    ids: NDArray[np.int64],
    labels: NDArray[np.int64],
    beside: Mapping[str, NDArray[np.int64]],
) -> Batch:
    # Places, not a mask: a mask that picks waits for the device, to learn how many there are.
    rows, columns = (labels[:, 1:] != IGNORED).nonzero()
    inputs = {"input_ids": ids, **beside}
    return Batch(
        ids=[example.id for example in encoded],
        inputs={name: torch.from_numpy(values) for name, values in inputs.items()},
        labels=torch.from_numpy(labels),
        targets=len(rows),
        real_tokens=sum(example.length for example in encoded),
        padded_tokens=ids.size,
        prompts=tuple(example.inputs["input_ids"][: example.prompt] for example in encoded),
        asked=torch.from_numpy(rows * ids.shape[1] + columns),
    )
