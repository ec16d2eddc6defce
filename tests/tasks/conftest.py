"""A GPT-2 of a few thousand numbers that reads bytes, and questions it could answer."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, GPT2Config, PreTrainedTokenizerFast

from tunewise.backbones.quiet import quiet

END = "<|endoftext|>"
PLACES = ("kitchen", "hall", "attic", "cellar", "garden")
THINGS = ("lamp", "vase", "clock", "chair")


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """Every byte a token, as GPT-2's tables have them, without merges."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {sign: number for number, sign in enumerate(alphabet)} | {END: 256}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=END, bos_token=END)


def save_writer(folder: Path, **changes: Any) -> None:
    torch.manual_seed(0)
    settings = {
        "n_embd": 16,
        "n_layer": 2,
        "n_head": 2,
        "n_positions": 256,
        "vocab_size": 257,
        "bos_token_id": 256,
        "eos_token_id": 256,
        "initializer_range": 0.3,
    }
    with quiet():
        config = GPT2Config(**(settings | changes))
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
        byte_tokenizer().save_pretrained(folder)


@pytest.fixture(scope="session")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a GPT-2 that reads and writes bytes."""
    folder = tmp_path_factory.mktemp("writer")
    save_writer(folder)
    return folder


def questions(rows: int, seed: int) -> list[dict[str, Any]]:
    """Where something stands, in SQuAD's form."""
    random = Random(seed)
    made = []
    for number in range(rows):
        thing, other = random.sample(THINGS, 2)
        place, elsewhere = random.sample(PLACES, 2)
        context = (
            f"The {thing} is in the {place}. The {other} is in the {elsewhere}. {seed}-{number}"
        )
        made.append(
            {
                "id": f"{seed}-{number}",
                "title": "Rooms",
                "context": context,
                "question": f"Where is the {thing}?",
                "answers": {"text": [place], "answer_start": [context.index(place)]},
            }
        )
    return made


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
