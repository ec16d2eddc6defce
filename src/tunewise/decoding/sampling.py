"""Drawing a token: the filters, and a random number that belongs to one answer's one step."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from tunewise.core.canonical import canonical
from tunewise.decoding.strategies import Strategy

LIKELIEST = 64  # words that hold what a filter leaves nearly always


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
        # From the last probability on, before which less than the mass is summed up.
        for width in (LIKELIEST, p.shape[-1]):  # sorting all words is slow, and rarely needed
            largest = p.topk(min(width, p.shape[-1])).values
            summed = largest.cumsum(-1)
            if bool((summed[:, -1] >= strategy.top_p).all()):
                break
        kept = (summed - largest < strategy.top_p).sum(-1, keepdim=True)
        p = _from(p, largest.gather(1, kept - 1))
    return p


def _from(p: Tensor, least: Tensor) -> Tensor:
    """Without what is less likely than `least`, (n, 1); the rest sums to 1 again."""
    kept = p.masked_fill(p < least, 0.0)
    return kept / kept.sum(-1, keepdim=True)


def draw(scores: Tensor, strategy: Strategy, at: Tensor) -> Tensor:
    """The tokens at these uniform numbers, (n,): where the cumulated probability passes them."""
    summed = probabilities(scores, strategy).cumsum(-1)
    # The last sum is 1 only to rounding; times it, a number never lies beyond every token. And a
    # token of probability 0 is never the first whose sum passes.
    places = torch.searchsorted(summed, (at.to(summed.device) * summed[:, -1])[:, None], right=True)
    return places.squeeze(1)


def draw_each(scores: Tensor, strategies: Sequence[Strategy], at: Tensor) -> Tensor:
    """As `draw`, with a strategy of its own for each row of (n, words).

    A filter that leaves few words is drawn from these alone: one search for the likeliest words
    serves all rows with a filter, and nothing else of theirs is as long as the vocabulary.
    """
    tokens = torch.empty(len(strategies), dtype=torch.long, device=scores.device)
    at = at.to(scores.device)
    few = [row for row, one in enumerate(strategies) if one.top_k or one.top_p]
    left = [row for row, one in enumerate(strategies) if not (one.top_k or one.top_p)]
    if few:
        rows = torch.tensor(few, device=scores.device)
        found, beyond = _draw_of_few(scores[rows], [strategies[row] for row in few], at[rows])
        tokens[rows] = found
        left += [row for row, more in zip(few, beyond.tolist(), strict=True) if more]
    groups: dict[Strategy, list[int]] = {}
    for row in left:
        groups.setdefault(strategies[row], []).append(row)
    for strategy, own in groups.items():
        rows = torch.tensor(own, device=scores.device)
        tokens[rows] = draw(scores[rows], strategy, at[rows])
    return tokens


def _draw_of_few(
    scores: Tensor, strategies: Sequence[Strategy], at: Tensor
) -> tuple[Tensor, Tensor]:
    """Tokens drawn from the likeliest words, (n,), and whether more than these may be drawn."""
    words = scores.shape[1]
    width = min(LIKELIEST, words)
    largest, places = scores.topk(width)
    hot, k, mass = (
        scores.new_tensor(values, dtype=torch.float64)[:, None]
        for values in zip(*(_filters(one, words) for one in strategies), strict=True)
    )
    heat = largest.double() / hot
    edge = heat.gather(1, (k.long() - 1).clamp(max=width - 1))
    within = heat >= edge  # equals at the edge stay
    unfiltered = (scores.double() / hot).logsumexp(1, keepdim=True)
    total = heat.masked_fill(~within, -torch.inf).logsumexp(1, keepdim=True)
    p = (heat - torch.where(k < words, total, unfiltered)).exp() * within
    before = p.cumsum(1) - p
    nucleus = within & (before < mass)
    least = p.masked_fill(~nucleus, torch.inf).amin(1, keepdim=True)
    kept = p * (p >= least)
    beyond = (kept[:, -1] > 0) | (within[:, -1] & (k[:, 0] < words))
    order = places.argsort(1)  # the cumulated probability runs through the vocabulary
    summed = kept.gather(1, order).cumsum(1)
    found = torch.searchsorted(summed, (at * summed[:, -1])[:, None], right=True)
    return places.gather(1, order).gather(1, found.clamp(max=width - 1)).squeeze(1), beyond & (
        width < words
    )


def _filters(strategy: Strategy, words: int) -> tuple[float, int, float]:
    """Temperature, top-k and top-p as numbers; where there is none, one that filters nothing."""
    mass = 2.0 if strategy.top_p is None else strategy.top_p  # rounding may sum to above 1
    return strategy.temperature, min(strategy.top_k or words, words), mass


def log_probabilities(scores: Tensor, tokens: Tensor) -> Tensor:
    """Of tokens (n,) under the model itself, whatever the strategy, in nats."""
    scores = scores.float()
    return scores.gather(1, tokens[:, None]).squeeze(1) - scores.logsumexp(1)
