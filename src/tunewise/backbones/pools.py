"""Ways of making one vector of a text's token states, called as sentence encoders call them.

Padding stands on the right, and never enters a vector.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

Pooling = Literal[
    "auto",
    "library",
    "cls",
    "lasttoken",
    "max",
    "mean",
    "mean_sqrt_len_tokens",
    "normalized_cls",
    "normalized_lasttoken",
    "normalized_mean",
    "weightedmean",
]
"""How a classifier makes one vector of a text: what fits the checkpoint, its family's, a pool."""

AUTO: Pooling = "auto"
LIBRARY: Pooling = "library"

Pool = Callable[[Tensor, Tensor], Tensor]
"""From (batch, tokens, size) and a mask (batch, tokens), padding on the right, to (batch, size)."""


def mean(hidden: Tensor, attention_mask: Tensor | None) -> Tensor:
    """The average over tokens that count: (batch, tokens, d) and (batch, tokens) to (batch, d)."""
    if attention_mask is None:
        return hidden.mean(dim=1)
    counts = attention_mask.to(hidden.dtype)
    total = torch.bmm(counts.unsqueeze(1), hidden).squeeze(1)
    return total / counts.sum(dim=1, keepdim=True).clamp(min=1)


def _first(hidden: Tensor, mask: Tensor) -> Tensor:
    return hidden[:, 0]


def _last(hidden: Tensor, mask: Tensor) -> Tensor:
    return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(dim=1) - 1]


def _largest(hidden: Tensor, mask: Tensor) -> Tensor:
    return hidden.masked_fill(mask.unsqueeze(-1) == 0, float("-inf")).amax(dim=1)


def _mean_by_root(hidden: Tensor, mask: Tensor) -> Tensor:
    """The sum over the square root of how many there are."""
    return mean(hidden, mask) * mask.sum(dim=1, keepdim=True).to(hidden.dtype).sqrt()


def _weighted(hidden: Tensor, mask: Tensor) -> Tensor:
    """The mean in which a token weighs as much as its place, counted from 1."""
    return mean(hidden, mask * torch.arange(1, mask.shape[1] + 1, device=mask.device))


def _normalized(pool: Pool) -> Pool:
    """The direction of a pool's vector, at the length sqrt(d) of d values of size 1.

    A sentence encoder that ends in `Normalize` was trained to tell texts apart by the direction
    alone. Its length of 1 would make each value as small as 1/sqrt(d), and the learning rates that
    suit a head larger by as much.
    """

    def normalized(hidden: Tensor, mask: Tensor) -> Tensor:
        vector = pool(hidden, mask)
        return nn.functional.normalize(vector, dim=-1) * vector.shape[-1] ** 0.5

    return normalized


POOLS: dict[str, Pool] = {
    "cls": _first,
    "lasttoken": _last,
    "max": _largest,
    "mean": mean,
    "mean_sqrt_len_tokens": _mean_by_root,
    "normalized_cls": _normalized(_first),
    "normalized_lasttoken": _normalized(_last),
    "normalized_mean": _normalized(mean),
    "weightedmean": _weighted,
}


def pooled(hidden: Tensor, mask: Tensor, pooling: tuple[str, ...]) -> Tensor:
    """The vectors of these ways of pooling side by side: (batch, len(pooling) * size)."""
    vectors = [POOLS[name](hidden, mask) for name in pooling]
    return vectors[0] if len(vectors) == 1 else torch.cat(vectors, dim=-1)
