"""Writing a text after each prompt, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from tunewise.decoding.strategies import Strategy


class Generated(NamedTuple):
    """A text, its tokens, why it ended, and its log-probability in nats."""

    text: str
    tokens: int
    stopped: Literal["end", "stop", "length", "loop"]
    log_probability: float


def generate(
    module: nn.Module,
    coder: Any,
    prompts: Sequence[Sequence[int]],
    strategies: Sequence[Strategy],
    *,
    keys: Sequence[str],
    seed: int,
    batch_size: int = 16,
) -> list[list[list[Generated]]]:
    """Texts by strategy, prompt and sample."""
    return [
        [
            [_one(module, coder, prompt, way, f"{seed}:{key}:{way.label}:{n}") for n in range(n_of)]
            for prompt, key in zip(prompts, keys, strict=True)
        ]
        for way in strategies
        for n_of in [way.samples]
    ]


@torch.no_grad()
def _one(
    module: nn.Module, coder: Any, prompt: Sequence[int], way: Strategy, draw: str
) -> Generated:
    device = next(module.parameters()).device
    random = torch.Generator().manual_seed(int(sha256(draw.encode()).hexdigest()[:15], 16))
    ids, total = list(prompt), 0.0
    for _ in range(way.max_new_tokens):
        logits = module(input_ids=torch.tensor([ids], device=device), use_cache=False).logits
        log_p = logits[0, -1].float().cpu().log_softmax(-1)
        token = _next(log_p, way, random)
        total += float(log_p[token])
        ids.append(token)
        text = coder.decode(ids[len(prompt) :], skip_special_tokens=True)
        if token == coder.eos_token_id:
            return Generated(text, len(ids) - len(prompt), "end", total)
        for stop in way.stop:
            if stop in text:
                return Generated(text[: text.index(stop)], len(ids) - len(prompt), "stop", total)
    text = coder.decode(ids[len(prompt) :], skip_special_tokens=True)
    return Generated(text, len(ids) - len(prompt), "length", total)


def _next(log_p: Tensor, way: Strategy, random: torch.Generator) -> int:
    if way.kind != "sample":
        return int(log_p.argmax())
    p = (log_p / way.temperature).softmax(-1)
    order = p.argsort(descending=True)
    sorted_p = p[order]
    if way.top_k is not None:
        sorted_p[way.top_k :] = 0
    if way.top_p is not None:
        sorted_p[sorted_p.cumsum(0) - sorted_p >= way.top_p] = 0
    return int(order[torch.multinomial(sorted_p, 1, generator=random)])
