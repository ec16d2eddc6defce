"""Which examples stand in which batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tunewise.training.seeds import derive

BUCKET_BATCHES = 30
"""Batches in a bucket. Sorting by length inside a bucket removes most padding; thirty batches
leave the order random enough that the loss curve is that of random batches."""


def training_batches(
    lengths: Sequence[int], batch_size: int, *, seed: int, epoch: int
) -> list[list[int]]:
    """The positions of one epoch's examples, batch by batch.

    Examples are shuffled, cut into buckets of some thirty batches, sorted by length inside each,
    cut into batches, and the batches shuffled. A pure function of its arguments: an interrupted
    epoch goes on at any step. Each example occurs once; the last batch may be smaller.

    >>> training_batches([5, 9, 5, 9], 2, seed=0, epoch=1)
    [[1, 3], [2, 0]]
    """
    rng = np.random.default_rng(derive(seed, "order", epoch))
    order = rng.permutation(len(lengths)).tolist()
    batches = []
    for bucket in _pieces(order, BUCKET_BATCHES * batch_size):
        by_length = sorted(bucket, key=lambda place: lengths[place])
        batches += list(_pieces(by_length, batch_size))
    return [batches[place] for place in rng.permutation(len(batches))]


def parts_of(batch: Sequence[int], count: int) -> list[list[int]]:
    """A step's examples in `count` parts of nearly equal size, none of them empty."""
    return [list(part) for part in np.array_split(np.asarray(batch), count) if len(part)]


def evaluation_batches(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """All positions sorted by length, longest first, so that memory runs out at once or never."""
    order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))
    return list(_pieces(order, batch_size))


def _pieces(examples: list[int], size: int) -> Iterator[list[int]]:
    return (examples[start : start + size] for start in range(0, len(examples), size))
