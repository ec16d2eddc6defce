"""Charts with one point an epoch, on a study whose epochs are written by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.reports.conftest import Seen, look, look_at
from tests.reports.fabricate import CONTENDERS, Plan

from tunewise.core.files import mark_complete
from tunewise.reports.charts.by_epoch import accuracies, losses

TRAINED = (0.4, 0.7, 1.0)
VALIDATED = (0.5, 0.6, 0.55)
LOSSES = (2.0, 1.0, 0.5)


def by_hand(folder: Path) -> Seen:
    """One contender of three epochs, with two seeds whose values differ by 0.02 in each."""
    lora = replace(CONTENDERS[3], points=({},), skills=(0.7,))
    path = look(folder, Plan(contenders=(lora,), seeds=(0, 1), epochs=3)).folder.path
    for file in path.glob("trials/*/result.json"):
        result = json.loads(file.read_text())
        shift = 0.02 * result["settings"]["seed"]
        result["epochs"] = [
            {
                "epoch": number + 1,
                "train_loss": LOSSES[number] + shift,
                "train_accuracy": TRAINED[number] - shift,
                "validation": {"accuracy": VALIDATED[number] - shift, "loss": 1.0},
            }
            for number in range(3)
        ]
        file.write_text(json.dumps(result))
        mark_complete(file.parent)
    return look_at(path)


def test_accuracy_of_both_splits_stands_in_one_plot(tmp_path: Path) -> None:
    figure = accuracies(by_hand(tmp_path / "s").evidence)
    assert figure is not None
    (values,) = figure.spec["datasets"].values()
    drawn = {
        split: [v["mean"] for v in values if v["curve"] == split] for split in values_of(values)
    }
    assert drawn == {
        "training": [pytest.approx(one - 0.01) for one in TRAINED],
        "validation": [pytest.approx(one - 0.01) for one in VALIDATED],
    }
    assert "ends at 99.0% on training and 54.0% on validation" in figure.says
    assert "epoch 2 was the best with 59.0%" in figure.says


def values_of(values: list[dict[str, str]]) -> list[str]:
    return list(dict.fromkeys(value["curve"] for value in values))


def test_training_loss_has_one_point_an_epoch_beside_its_steps(tmp_path: Path) -> None:
    figure = losses(by_hand(tmp_path / "s").evidence)
    assert figure is not None
    points = [
        value["mean"]
        for values in figure.spec["datasets"].values()
        for value in values
        if value["curve"] == "mean of an epoch"
    ]
    assert points[:3] == [pytest.approx(one + 0.01) for one in LOSSES]
    assert "2.010 in the first epoch and 0.510 in the last" in figure.says
