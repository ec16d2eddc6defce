"""Many continuations of each prompt over one key-value cache.

The continuations of a prompt are columns of one sequence: a step appends one token of each at
the same position, and a mask says which columns each of them sees. So the prompt's keys and
values are stored once, however many strategies and samples go on from them; a fork is a row of
the mask; and a beam that follows another takes over its row, where a cache would be copied.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from tunewise.core.errors import InputError


class Branches:
    """The cache of a batch of prompts and the branches that grow from it.

    Shapes:
        seen       (prompts, branches, columns)  which columns of the cache a branch attends to
        positions  (prompts,)  where the next token of each prompt's branches stands
    """

    def __init__(self, module: Any, cache: DynamicCache, seen: Tensor, positions: Tensor) -> None:
        self.module, self.cache, self.seen, self.positions = module, cache, seen, positions
        self.last = context_length(module) - 1  # position

    def fork(self, branches: int) -> Branches:
        """As many branches on the same past, which stays as it is: appending makes new tensors."""
        cache = DynamicCache()
        for number, layer in enumerate(self.cache.layers):
            cache.update(layer.keys, layer.values, number)
        seen = self.seen[:, :1].expand(-1, branches, -1)
        return Branches(self.module, cache, seen, self.positions.clone())

    def step(self, tokens: Tensor) -> Tensor:
        """Append one token to each branch; the logits of the next, (prompts, branches, words)."""
        n, k = tokens.shape
        own = torch.eye(k, dtype=torch.bool, device=tokens.device).expand(n, k, k)
        self.seen = torch.cat([self.seen, own], 2)
        kind = next(self.module.parameters()).dtype
        hidden = torch.zeros(self.seen.shape, dtype=kind, device=tokens.device)
        hidden.masked_fill_(~self.seen, torch.finfo(kind).min)
        # What has come to the context's end only waits to be dropped.
        positions = self.positions.clamp(max=self.last)
        output = self.module(
            input_ids=tokens,
            attention_mask=hidden[:, None],
            position_ids=positions[:, None].expand(n, k),
            past_key_values=self.cache,
            use_cache=True,
        )
        self.positions = self.positions + 1
        return output.logits

    def follow(self, parents: Tensor) -> None:
        """Each branch goes on from another of its prompt, (prompts, branches)."""
        self.seen = self.seen.take_along_dim(parents[:, :, None], 1)

    def keep(self, prompts: Tensor, branches: Tensor) -> None:
        """Drop every prompt, branch and column but these.

        Args:
            prompts: (kept prompts,)
            branches: (kept prompts, kept branches) of each
        """
        seen = self.seen[prompts].take_along_dim(branches[:, :, None], 1)
        needed = seen.any(1)
        width = int(needed.sum(1).max())
        order = needed.byte().argsort(dim=1, descending=True, stable=True)[:, :width]
        self.seen = seen.take_along_dim(order[:, None], 2)
        self.positions = self.positions[prompts]
        for layer in self.cache.layers:
            layer.keys = layer.keys[prompts].take_along_dim(order[:, None, :, None], 2)
            layer.values = layer.values[prompts].take_along_dim(order[:, None, :, None], 2)


def prefill(module: Any, prompts: Sequence[Sequence[int]]) -> tuple[Branches, Tensor]:
    """Read prompts once; one branch on each, and the logits of its first token, (prompts, words).

    Shorter prompts are padded on the left, out of sight, so that all end in the same column.

    Raises:
        ValueError: a prompt is empty, or leaves no room in the model's context.
    """
    _check(module)
    room = context_length(module)
    lengths = [len(prompt) for prompt in prompts]
    if min(lengths) == 0:
        raise ValueError(
            f"prompt {lengths.index(0)} is empty; a model needs a token to go on from."
        )
    if max(lengths) >= room:
        at = lengths.index(max(lengths))
        raise ValueError(f"prompt {at} has {lengths[at]} tokens and the context only {room}.")
    device, width = next(module.parameters()).device, max(lengths)
    ids = torch.zeros(len(prompts), width, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
    long = torch.tensor(lengths, device=device)
    seen = torch.arange(width, device=device) >= width - long[:, None]
    output = module(
        input_ids=ids.to(device),
        attention_mask=seen.long(),
        position_ids=(seen.cumsum(1) - 1).clamp(min=0),
        past_key_values=DynamicCache(),
        use_cache=True,
        logits_to_keep=1,
    )
    # A model may have put something trained before the prompt, which everything then sees.
    ahead = output.past_key_values.get_seq_length() - width
    seen = torch.cat([seen.new_ones(len(prompts), ahead), seen], dim=1)
    branches = Branches(module, output.past_key_values, seen[:, None], long + ahead)
    return branches, output.logits[:, -1]


def context_length(module: Any) -> int:
    """How many tokens a prompt and its answer may have together.

    Where layers attend to a window only, the window: within it they attend to everything. Very
    many where the configuration sets no limit.
    """
    config = module.config
    limits = [getattr(config, "max_position_embeddings", None)]
    if {*(getattr(config, "layer_types", None) or ["unknown"])} != {"full_attention"}:
        limits.append(getattr(config, "sliding_window", None))
    return min([int(limit) for limit in limits if limit] or [1 << 24])


def _check(module: Any) -> None:
    """Refuse what would be decoded wrongly rather than slowly.

    Raises:
        InputError: the model does not take what branches are made of.
    """
    inner = module.get_base_model() if hasattr(module, "get_base_model") else module  # PEFT's
    known = inspect.signature(inner.forward).parameters
    if lacking := {"position_ids", "logits_to_keep", "past_key_values"} - {*known}:
        raise InputError(
            f"{type(inner).__name__} cannot generate here: its forward takes no "
            f"{', '.join(sorted(lacking))}. GPT-2, Llama, Qwen2, Mistral and Phi do."
        )
