"""Our own optimizers in the one loop: equal to torch's, and as good at going on."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from tests.training.test_training import SETTINGS, assert_same, outcome, training

from tunewise.training.loop import Interrupted
from tunewise.training.optimizer import OPTIMIZERS
from tunewise.training.settings import SOLVER, OptimizerName, TrainingSettings

NAMES = list(OPTIMIZERS)


def settings_for(name: Any, **changes: Any) -> TrainingSettings:
    """Rates at which the rule moves the toy and does not wreck it."""
    rate = 0.5 if name in ("sgd", "own-sgd", "own-gd") else 0.01
    return replace(SETTINGS, optimizer=name, learning_rate=rate, weight_decay=0.01, **changes)


def test_a_study_may_use_every_optimizer_that_exists() -> None:
    assert set(get_args(OptimizerName)) == {"auto", SOLVER, *OPTIMIZERS}


@pytest.mark.parametrize(
    ("own", "library", "batch_size", "epochs"),
    [
        ("own-gd", "sgd", 100, 100),
        ("own-sgd", "sgd", 16, 15),
        ("own-adagrad", "adagrad", 16, 15),
        ("own-adam", "adam", 16, 15),
    ],
)
def test_over_a_hundred_steps_ours_gives_the_librarys_weights(
    tmp_path: Path, own: str, library: str, batch_size: int, epochs: int
) -> None:
    """In float64, so that equal rules stay equal: in float32 rounding grows with the steps."""
    weights = {}
    for name in (own, library):
        chosen = settings_for(name, batch_size=batch_size, epochs=epochs, choose="last")
        run = training(tmp_path / name, chosen)
        run.model.module.double()
        progress, weights[name] = outcome(run)
        assert progress.step >= 100
    moved = training(tmp_path / "start").model.module.double().state_dict()
    for name, weight in weights[own].items():
        torch.testing.assert_close(weight, weights[library][name], rtol=0, atol=1e-6)
        assert not torch.allclose(weight, moved[name], atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_whichever_optimizer_an_interrupted_run_ends_bit_equal(tmp_path: Path, name: str) -> None:
    batch_size = 100 if name == "own-gd" else 16
    chosen = settings_for(name, epochs=5, batch_size=batch_size)
    straight = outcome(training(tmp_path / "straight", chosen))
    steps = count(1)
    with pytest.raises(Interrupted):
        training(tmp_path / "resumed", chosen, stop=lambda: next(steps) >= 3).run()
    assert_same(outcome(training(tmp_path / "resumed", chosen)), straight)


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_learns(tmp_path: Path, name: str) -> None:
    chosen = settings_for(name, epochs=20, batch_size=100 if name == "own-gd" else 16)
    progress, _ = outcome(training(tmp_path, chosen))
    assert progress.epochs[-1]["train_loss"] < progress.epochs[0]["train_loss"]
