"""Greedy and beam search give transformers' own tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.decoding.models import END, Spelled, causal, prompts_of, spelled

from tunewise.decoding.generate import generate
from tunewise.decoding.strategies import Strategy

FAMILIES = ("gpt2", "llama")


def theirs(module: Any, prompts: list[list[int]], **settings: Any) -> list[list[int]]:
    """What `generate` of transformers adds to each prompt of a left-padded batch."""
    width = max(map(len, prompts))
    ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
    with torch.inference_mode():
        found = module.generate(
            ids,
            attention_mask=mask,
            do_sample=False,
            pad_token_id=0,
            eos_token_id=END,
            **settings,
        )
    return [_until_end(row[width:].tolist()) for row in found]


def _until_end(tokens: list[int]) -> list[int]:
    return tokens[: tokens.index(END) + 1] if END in tokens else tokens


def ours(module: Any, prompts: list[list[int]], strategy: Strategy) -> list[list[int]]:
    [answers] = generate(
        module,
        Spelled(),
        prompts,
        [strategy],
        keys=[str(n) for n in range(len(prompts))],
        seed=0,
        loops="allow",
    )
    return [spelled(answer) for [answer] in answers]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", [0, 1])
def test_greedy_gives_the_same_tokens(family: str, seed: int) -> None:
    module, prompts = causal(family, seed), prompts_of(7, seed)
    mine = ours(module, prompts, Strategy(max_new_tokens=15))
    own = theirs(module, prompts, max_new_tokens=15)
    assert mine == own
    assert len({tuple(tokens) for tokens in mine}) > 3  # they are not all alike


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("beams", [2, 5])
def test_beams_give_the_same_tokens(family: str, beams: int) -> None:
    ended = []
    for seed in range(3):
        module, prompts = causal(family, seed), prompts_of(6, seed)
        mine = ours(module, prompts, Strategy("beam", beams=beams, max_new_tokens=12))
        for prompt, tokens in zip(prompts, mine, strict=True):
            [own] = theirs(module, [prompt], num_beams=beams, max_new_tokens=12)
            assert tokens == own
            ended.append(END in tokens)
    assert {*ended} == {True, False}  # both ways to an end were taken


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_either_attention_of_torch_serves(implementation: str) -> None:
    module, prompts = causal("gpt2", 0), prompts_of(5, 1)
    module.set_attn_implementation(implementation)
    assert ours(module, prompts, Strategy(max_new_tokens=9)) == theirs(
        module, prompts, max_new_tokens=9
    )


def test_with_our_lora_layers_too(adapted: Callable[[str], Any]) -> None:
    for family in FAMILIES:
        module, prompts = adapted(family), prompts_of(5, 2)
        assert ours(module, prompts, Strategy(max_new_tokens=9)) == theirs(
            module, prompts, max_new_tokens=9
        )
        assert ours(module, prompts, Strategy("beam", beams=3, max_new_tokens=9)) == [
            theirs(module, [prompt], num_beams=3, max_new_tokens=9)[0] for prompt in prompts
        ]
