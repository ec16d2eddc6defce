"""How likely a model finds given continuations of prompts, over one reading of each prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tunewise.decoding.branches import Branches, prefill
from tunewise.decoding.generate import evaluating


def log_probabilities(
    module: Any,
    prompts: Sequence[Sequence[int]],
    continuations: Sequence[Sequence[int]],
    *,
    batch_size: int = 8,
) -> Tensor:
    """The log-probability of each continuation after each prompt: the sum over its tokens, nats.

    The continuations of a prompt are branches on its keys and values, which are computed once.

    Args:
        module: a causal language model of transformers.
        prompts: token ids; with the longest continuation they fit the context.
        continuations: token ids, none empty; the same after every prompt.
        batch_size: prompts read together; the sums do not depend on it beyond rounding.

    Returns:
        (prompts, continuations), float64, on the CPU.

    Raises:
        ValueError: a prompt is empty or fills the context.
        InputError: the model does not take positions and a cache.
    """
    found = torch.empty(len(prompts), len(continuations), dtype=torch.float64)
    by_length = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    with evaluating(module), torch.inference_mode():
        for start in range(0, len(prompts), batch_size):
            chosen = by_length[start : start + batch_size]
            branches, logits = prefill(module, [prompts[number] for number in chosen])
            found[chosen] = _sums(branches.fork(len(continuations)), logits, continuations).cpu()
    return found


def _sums(branches: Branches, logits: Tensor, continuations: Sequence[Sequence[int]]) -> Tensor:
    """(prompts, continuations). One that has ended goes on beside the others, uncounted."""
    lengths = torch.tensor([len(tokens) for tokens in continuations], device=logits.device)
    width = int(lengths.max())
    padded = [[*tokens, *[tokens[-1]] * (width - len(tokens))] for tokens in continuations]
    table = torch.tensor(padded, device=logits.device)  # (continuations, tokens)
    total = logits.double().log_softmax(-1)[:, table[:, 0]]
    for at in range(1, width):
        step = branches.step(table[:, at - 1].expand(len(logits), -1)).double().log_softmax(-1)
        index = table[:, at].expand(len(logits), -1)[:, :, None]
        total = total + step.take_along_dim(index, 2)[:, :, 0] * (at < lengths)
    return total
