"""Small pictures with questions, and an encoder of pictures made on the spot."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import ResNetConfig, ResNetModel

from tunewise.core.files import write_json

COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}


@pytest.fixture(scope="session")
def picture_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ResNet of a few hundred weights with its processor, as a folder."""
    folder = tmp_path_factory.mktemp("picture-encoder")
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
    return folder


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """Pictures of one colour each, and two questions about each."""
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
