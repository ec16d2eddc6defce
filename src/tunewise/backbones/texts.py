"""Texts as token numbers, with nothing around them that the text does not say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any


def opening(coder: Any) -> list[int]:
    """The tokens that the tokenizer puts before every text, such as Llama's; GPT-2 has none."""
    return list(takewhile(lambda id: id != coder.eos_token_id, coder("")["input_ids"]))


def tokens(coder: Any, texts: Sequence[str]) -> list[list[int]]:
    """The tokens of texts, with nothing around them. What looks like a special token is text."""
    if not texts:
        return []
    found: list[list[int]] = coder(
        list(texts), add_special_tokens=False, split_special_tokens=True, verbose=False
    )["input_ids"]
    return found
