"""Drawing a token: the filters, and a random number that belongs to one answer's one step."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor

from tunewise.core.canonical import canonical
from tunewise.decoding.strategies import Strategy

NUCLEUS = 64  # words that hold the nucleus nearly always


def uniforms(seed: int, key: str, label: str, sample: int, steps: int) -> Tensor:
    """Numbers in [0, 1), one a step, shape (steps,), float64.

    They depend on these arguments alone: neither on what else is decoded, nor in which order,
    nor on how many steps are asked for. Philox (Salmon et al. 2011) numbers its outputs, and
    numpy promises its raw bits for ever; the key is a hash.
    """
    name = hashlib.sha256(canonical([seed, key, label, sample]).encode("utf-8", "surrogatepass"))
    bits = np.random.Philox(key=int.from_bytes(name.digest()[:16], "big")).random_raw(steps)
    return torch.from_numpy((bits >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def probabilities(scores: Tensor, strategy: Strategy) -> Tensor:
    """What a strategy draws from, given logits, both of shape (n, words). Float64.

    In the order of transformers: temperature, top-k, and top-p of what top-k left. Equals at the
    edge of a filter all stay.
    """
    p = (scores.double() / strategy.temperature).softmax(-1)
    if strategy.top_k is not None and strategy.top_k < p.shape[-1]:
        p = _from(p, p.topk(strategy.top_k).values[:, -1:])
    if strategy.top_p is not None:
        p = _from(p, _nucleus_edge(p, strategy.top_p))
    return p


def _from(p: Tensor, least: Tensor) -> Tensor:
    """Without what is less likely than `least`, (n, 1); the rest sums to 1 again."""
    kept = p.masked_fill(p < least, 0.0)
    return kept / kept.sum(-1, keepdim=True)


def _nucleus_edge(p: Tensor, share: float) -> Tensor:
    """The last probability, from the largest on, before which less than `share` is summed up."""
    for width in (NUCLEUS, p.shape[-1]):  # sorting all words is slow, and rarely needed
        largest = p.topk(min(width, p.shape[-1])).values
        summed = largest.cumsum(-1)
        if bool((summed[:, -1] >= share).all()):
            break
    kept = (summed - largest < share).sum(-1, keepdim=True)
    return largest.gather(1, kept - 1)


def draw(scores: Tensor, strategy: Strategy, at: Tensor) -> Tensor:
    """The tokens at these uniform numbers, (n,): where the cumulated probability passes them."""
    summed = probabilities(scores, strategy).cumsum(-1)
    # The last sum is 1 only to rounding; times it, a number never lies beyond every token. And a
    # token of probability 0 is never the first whose sum passes.
    places = torch.searchsorted(summed, (at.to(summed.device) * summed[:, -1])[:, None], right=True)
    return places.squeeze(1)


def log_probabilities(scores: Tensor, tokens: Tensor) -> Tensor:
    """Of tokens (n,) under the model itself, whatever the strategy, in nats."""
    scores = scores.float()
    return scores.gather(1, tokens[:, None]).squeeze(1) - scores.logsumexp(1)
