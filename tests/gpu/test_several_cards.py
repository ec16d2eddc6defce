"""A trial over two cards is the trial of one, data parallel and in slices.

make test-gpu
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from tests.commands import Run

from tunewise.core.files import read_json

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there are no two GPUs"),
]
STUDY = """
name: cards
task: {kind: classification, text: text, label: label}
data: {source: embedded:reviews, limit: {train: 240, validation: 60, test: 60}}
models: [embedded:encoder]
methods: [lora, full]
training: {epochs: 2, learning_rate: 3e-4, dropout: 0.0}
seeds: [0]
"""
SETTINGS = {
    "one": (),
    "beside": ("--set", "training.devices=2"),
    "slices": ("--set", "training.devices=2", "--set", "training.shard=true"),
}


def test_two_cards_give_what_one_gives(tunewise: Run, tmp_path: Path) -> None:
    """Prints how long each took: of a model this small most is what cards tell each other."""
    (tmp_path / "study.yaml").write_text(STUDY)
    losses = {}
    for name, given in SETTINGS.items():
        began = time.monotonic()
        ended = tunewise("run", "study.yaml", "--out", name, *given, cwd=tmp_path)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        print(f"\n{torch.cuda.get_device_name()}, {name}: {time.monotonic() - began:.1f} s")
        places = (tmp_path / name / "trials").glob("[!.]*/result.json")
        found = {each["settings"]["method"]["name"]: each for each in map(read_json, places)}
        losses[name] = {
            method: [
                number
                for epoch in each["epochs"]
                for number in (epoch["train_loss"], epoch["validation"]["loss"])
            ]
            for method, each in found.items()
        }
    for name in ("beside", "slices"):
        for method, values in losses["one"].items():
            assert losses[name][method] == pytest.approx(values, abs=1e-4), (name, method)
