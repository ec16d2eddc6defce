"""Seeds and batches."""

from __future__ import annotations

import hashlib

import numpy as np


def derive_seed(seed: int, purpose: str, *place: int) -> int:
    """A seed for one purpose at one place, so that no draw depends on what was drawn before."""
    name = ":".join(map(str, (seed, purpose, *place)))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def training_batches(lengths: list[int], size: int, seed: int, epoch: int) -> list[list[int]]:
    """The examples of each batch of an epoch, by position.

    Shuffled, then sorted by length within buckets of thirty batches, which saves most padding, then
    the batches are shuffled, so that the loss curve is that of random batches.
    """
    rng = np.random.default_rng(derive_seed(seed, "order", epoch))
    order = rng.permutation(len(lengths)).tolist()
    batches = []
    for start in range(0, len(order), 30 * size):
        bucket = sorted(order[start : start + 30 * size], key=lambda place: lengths[place])
        batches += [bucket[at : at + size] for at in range(0, len(bucket), size)]
    return [batches[place] for place in rng.permutation(len(batches))]


def evaluation_batches(lengths: list[int], size: int = 64) -> list[list[int]]:
    """All examples, longest first: memory runs out in the first batch or never."""
    order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))
    return [order[start : start + size] for start in range(0, len(order), size)]
