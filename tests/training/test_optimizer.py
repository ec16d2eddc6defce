from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

from tunewise.training.optimizer import (
    OPTIMIZERS,
    learning_rate_at,
    make_optimizer,
    set_learning_rate,
)
from tunewise.training.settings import TrainingSettings

ALL = [{"params": ["0.weight", "0.bias", "1.weight", "1.bias"]}]


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3))


def test_biases_and_norms_do_not_decay() -> None:
    module = network()
    optimizer = make_optimizer(module, ALL, TrainingSettings(weight_decay=0.1))
    decay = {
        id(weight): group["weight_decay"]
        for group in optimizer.param_groups
        for weight in group["params"]
    }
    names = {name: decay[id(weight)] for name, weight in module.named_parameters()}
    assert names == {"0.weight": 0.1, "0.bias": 0.0, "1.weight": 0.0, "1.bias": 0.0}


def test_a_group_may_learn_faster() -> None:
    groups: list[dict[str, Any]] = [{"params": ["0.weight"]}, {"params": ["0.bias"], "rate": 16.0}]
    optimizer = make_optimizer(network(), groups, TrainingSettings())
    set_learning_rate(optimizer, 1e-3)
    assert [group["lr"] for group in optimizer.param_groups] == [1e-3, 16e-3]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_by_name_takes_a_step(name: Any) -> None:
    module = network()
    optimizer = make_optimizer(module, ALL, TrainingSettings(optimizer=name))
    set_learning_rate(optimizer, 0.1)
    weight = module.get_parameter("0.weight")
    before = weight.detach().clone()
    module(torch.ones(2, 3)).square().sum().backward()
    optimizer.step()
    assert not torch.equal(before, weight)


@given(st.integers(1, 60), st.floats(0, 0.9))
def test_the_rate_never_exceeds_its_peak_and_is_never_negative(steps: int, warmup: float) -> None:
    schedules: tuple[Any, ...] = ("linear", "cosine", "constant")
    for schedule in schedules:
        settings = TrainingSettings(schedule=schedule, warmup=warmup)
        rates = [learning_rate_at(step, steps, settings, 1.0) for step in range(1, steps + 1)]
        assert all(0 <= rate <= 1 for rate in rates)
        assert rates[0] > 0


@pytest.mark.parametrize(
    ("schedule", "library"),
    [
        ("linear", get_linear_schedule_with_warmup),
        ("cosine", get_cosine_schedule_with_warmup),
    ],
)
def test_after_the_warm_up_the_rate_is_the_librarys(schedule: Any, library: Any) -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = library(optimizer, 4, 20)
    settings = TrainingSettings(schedule=schedule, warmup=0.2)
    for step in range(1, 21):
        if step > 4:
            ours = learning_rate_at(step, 20, settings, 1.0)
            assert ours == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        theirs.step()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"epochs": 0}, "epochs = 0"),
        ({"batch_size": -1}, "batch_size = -1"),
        ({"learning_rate": 3.0}, "learning_rate = 3.0"),
        ({"warmup": 2.0}, "warmup = 2.0"),
        ({"accumulate": 64}, "accumulate = 64"),
        ({"dropout": 1.0}, "dropout = 1.0"),
        ({"clip_norm": 0.0}, "clip_norm = 0.0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        TrainingSettings(**settings)
