"""A GPT-2 that reads bytes with questions for it, and small images with an encoder of theirs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    PreTrainedTokenizerFast,
    ResNetConfig,
    ResNetModel,
)

from tunewise.backbones.transformers_logging import quiet
from tunewise.core.files import write_json

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


COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}


@pytest.fixture(scope="session")
def image_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ResNet of a few hundred weights with its processor, as a folder."""
    folder = tmp_path_factory.mktemp("picture-encoder")
    save_image_encoder(folder)
    return folder


def save_image_encoder(folder: Path) -> None:
    torch.manual_seed(0)
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    ResNetModel(config).save_pretrained(folder)
    write_json(
        folder / "preprocessor_config.json",
        {
            "image_processor_type": "ViTImageProcessor",
            "size": {"height": 16, "width": 16},
            "image_mean": [0.5] * 3,
            "image_std": [0.5] * 3,
        },
    )


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """Images of one color each, and two questions about each."""
    (tmp_path / "pictures").mkdir()
    for split, count in {"train": 12, "validation": 6, "test": 6}.items():
        rows = []
        for number in range(count):
            answer = list(COLOURS)[number % 3]
            name = f"{split}{number}.png"
            colour = tuple(min(255, part + number) for part in COLOURS[answer])
            Image.new("RGB", (20, 12), colour).save(tmp_path / "pictures" / name)
            rows += [(name, "the room is", answer), (name, "a warm bed", answer)]
        with (tmp_path / f"{split}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("image", "question", "answer"), *rows])
    return tmp_path
