"""Causal models of a few thousand random weights, and prompts of several lengths."""

from __future__ import annotations

import random
from typing import Any

import torch
from tests.conftest import CONFIGURATIONS
from transformers import AutoConfig, AutoModelForCausalLM

from tunewise.decoding.walks import Generated

WORDS = 15  # tokens of the models
END = 3  # of them ends a text


def causal(family: str, seed: int = 0, words: int = WORDS) -> Any:
    """A model of that family; its weights are large, so that its answers differ by prompt."""
    settings = CONFIGURATIONS[family] | {
        "initializer_range": 0.6,
        "vocab_size": words,
        "pad_token_id": 0,
        "tie_word_embeddings": False,
    }
    torch.manual_seed(seed)
    module = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **settings)).eval()
    with torch.no_grad():
        module.lm_head.weight[END] *= 3  # so that many answers end, and not all
    return module


def prompts_of(n: int, seed: int = 0, words: int = WORDS) -> list[list[int]]:
    draw = random.Random(seed)
    return [[draw.randrange(4, words) for _ in range(draw.randrange(1, 12))] for _ in range(n)]


class Spelled:
    """A coder whose text is the numbers themselves, so that texts tell tokens."""

    eos_token_id = END

    @staticmethod
    def decode(tokens: list[int], **_: Any) -> str:
        return "".join(f"<{token}>" for token in tokens)


def spelled(answer: Generated) -> list[int]:
    """The tokens of an answer whose coder was `Spelled`."""
    tokens = [int(part.strip("<")) for part in answer.text.split(">") if part]
    return [*tokens, END] if answer.stopped == "end" else tokens
