"""`tunewise modules`: what a person reads, and what a program does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import CONFIGURATIONS

from tunewise.backbones.inventory import inventory, skeleton
from tunewise.backbones.load import build
from tunewise.backbones.modules import targets
from tunewise.cli.modules import command
from tunewise.core.errors import InputError

Checkpoint = Callable[[str], Path]


def printed(capsys: pytest.CaptureFixture[str], *words: Any) -> str:
    command(*words)
    return capsys.readouterr().out


def test_a_folder_with_nothing_but_a_configuration_is_enough(
    checkpoint: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(checkpoint("bert") / "config.json", tmp_path)
    text = printed(capsys, str(tmp_path))
    (line,) = [line for line in text.splitlines() if "self.query" in line]
    assert " ".join(line.split()) == (
        "encoder.layer.*.attention.self.query query 16 x 16 2 layers 272"
    )


def test_a_fused_projection_says_so(
    checkpoint: Checkpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = [x for x in printed(capsys, str(checkpoint("gpt2"))).splitlines() if "c_attn" in x]
    assert "query+key+value fused" in line
    assert "16 x 48" in line


@pytest.mark.parametrize("family", CONFIGURATIONS)
def test_it_fits_a_terminal_of_eighty_columns(
    checkpoint: Checkpoint, family: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert max(map(len, printed(capsys, str(checkpoint(family))).splitlines())) <= 80


def test_json_counts_what_the_words_select(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(printed(capsys, "embedded:encoder", True))
    model = build("embedded:encoder", options=["a", "b"], seed=0)
    for word, counts in found["targets"].items():
        layers = targets(model, [word])
        assert counts["layers"] == len(layers)
        assert counts["parameters"] == sum(p.numel() for _, x in layers for p in x.parameters())
    for row in found["modules"]:
        for word in row["targets"]:
            assert set(row["modules"]) <= {path for path, _ in targets(model, [word])}


@pytest.mark.parametrize("family", CONFIGURATIONS)
def test_every_number_of_the_model_is_listed_or_belongs_to_no_layer(
    checkpoint: Checkpoint, family: str
) -> None:
    model = skeleton(str(checkpoint(family)))
    listed = sum(group.parameters * len(group.paths) for group in inventory(model))
    assert listed == sum(weight.numel() for weight in model.module.parameters())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("embedded:encodr", "Did you mean 'encoder'"),
        ("./nowhere/at/all", "no such folder"),
    ],
)
def test_a_model_that_is_not_there(name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        command(name)
