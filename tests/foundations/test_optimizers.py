from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.optim import Optimizer

from tunewise.foundations.convergence_chart import convergence_chart
from tunewise.foundations.optimizers import OPTIMIZERS
from tunewise.foundations.regression import (
    RECIPES,
    TORCHS,
    Regression,
    convergence,
    points,
    train,
)

SHAPES = [[(3,)], [(4, 5), (4,)], [(2, 3, 4), (1,), (7, 1)], [()]]


def build(cls: Any, weights: list[Any], **settings: Any) -> Optimizer:
    optimizer: Optimizer = cls(weights, **settings)
    return optimizer


def weights_of(shapes: list[tuple[int, ...]], seed: int) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.nn.Parameter(torch.randn(shape, generator=generator, dtype=torch.float64))
        for shape in shapes
    ]


def follow(
    optimizer: Optimizer, weights: list[torch.nn.Parameter], *, steps: int, seed: int
) -> None:
    """Feed the gradients of a loss with curvature and noise, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed + 1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.zeros((), dtype=torch.float64)
        for w in weights:
            noise = torch.randn(w.shape, generator=generator, dtype=torch.float64)
            loss = loss + (w**4 / 4 + w * noise).sum()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_a_hundred_steps_are_pytorchs(
    name: str, shapes: list[tuple[int, ...]], seed: int, decay: float
) -> None:
    ours, theirs = weights_of(shapes, seed), weights_of(shapes, seed)
    settings = {"lr": 0.02, "weight_decay": decay}
    follow(build(OPTIMIZERS[name], ours, **settings), ours, steps=100, seed=seed)
    follow(build(TORCHS[name], theirs, **settings), theirs, steps=100, seed=seed)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_single_precision_follows_pytorch_too(name: str) -> None:
    runs = []
    for cls in (OPTIMIZERS[name], TORCHS[name]):
        w = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        optimizer = build(cls, [w], lr=0.01)
        for _ in range(100):
            optimizer.zero_grad()
            w.square().sum().backward()
            optimizer.step()
        runs.append(w.detach())
    torch.testing.assert_close(*runs, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_saved_state_goes_on_as_if_never_stopped(name: str) -> None:
    whole, halves = weights_of([(3, 2)], 0), weights_of([(3, 2)], 0)
    run = build(OPTIMIZERS[name], whole, lr=0.05)
    follow(run, whole, steps=5, seed=0)
    follow(run, whole, steps=5, seed=7)

    first = build(OPTIMIZERS[name], halves, lr=0.05)
    follow(first, halves, steps=5, seed=0)
    second = build(OPTIMIZERS[name], halves, lr=1.0)
    second.load_state_dict(first.state_dict())
    follow(second, halves, steps=5, seed=7)
    assert torch.equal(whole[0], halves[0])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_state_stored_as_tensors_alone_goes_on_to_the_last_bit(name: str) -> None:
    whole, halves = ([torch.nn.Parameter(torch.tensor([1.0, -2.0]))] for _ in range(2))
    first, second = (build(OPTIMIZERS[name], w, lr=0.05) for w in (whole, halves))

    def steps(optimizer: Optimizer, w: torch.nn.Parameter, n: int) -> None:
        for _ in range(n):
            optimizer.zero_grad()
            w.pow(4).sum().backward()
            optimizer.step()

    steps(first, whole[0], 14)
    steps(second, halves[0], 7)
    stored = second.state_dict()
    for entries in stored["state"].values():
        entries.update({key: torch.as_tensor(value) for key, value in entries.items()})
    third = build(OPTIMIZERS[name], halves, lr=0.05)
    third.load_state_dict(stored)
    steps(third, halves[0], 7)
    assert torch.equal(whole[0], halves[0])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_weight_without_gradient_stays(name: str) -> None:
    moved, still = weights_of([(2,), (2,)], 0)
    before = still.detach().clone()
    optimizer = build(OPTIMIZERS[name], [moved, still], lr=0.1, weight_decay=0.1)
    moved.sum().backward()
    optimizer.step()
    assert torch.equal(still, before)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_groups_have_their_own_rate(name: str) -> None:
    fast, frozen = weights_of([(2,), (2,)], 0)
    before = frozen.detach().clone()
    optimizer = build(OPTIMIZERS[name], [{"params": [fast]}, {"params": [frozen], "lr": 0.0}])
    (fast.sum() + frozen.sum()).backward()
    optimizer.step()
    assert torch.equal(frozen, before)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_schedule_sets_the_rate(name: str) -> None:
    (w,) = weights_of([(2,)], 0)
    optimizer = build(OPTIMIZERS[name], [w], lr=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.0)
    before = w.detach().clone()
    w.sum().backward()
    optimizer.step()
    schedule.step()
    assert torch.equal(w, before)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_closure_is_called_once_and_its_loss_returned(name: str) -> None:
    (w,) = weights_of([(2,)], 0)
    optimizer = build(OPTIMIZERS[name], [w], lr=0.1)
    calls = []

    def closure() -> float:
        optimizer.zero_grad()
        loss = w.square().sum()
        loss.backward()
        calls.append(loss.item())
        return calls[-1]

    assert optimizer.step(closure) == calls[0]
    assert len(calls) == 1


def test_adams_first_step_has_the_length_of_the_rate_by_hand() -> None:
    # m_hat = g and v_hat = g^2 after one step, so the step is lr * sign(g).
    w = torch.nn.Parameter(torch.tensor([1.0, 1.0], dtype=torch.float64))
    w.grad = torch.tensor([1000.0, -0.001], dtype=torch.float64)
    build(OPTIMIZERS["own-adam"], [w], lr=0.1).step()
    torch.testing.assert_close(w.detach(), torch.tensor([0.9, 1.1]).double(), atol=1e-5, rtol=0)


def test_adagrads_second_step_by_hand() -> None:
    # s = 9, step 0.1 * 3 / 3; then s = 9 + 16, step 0.1 * 4 / 5
    w = torch.nn.Parameter(torch.tensor([0.0], dtype=torch.float64))
    optimizer = build(OPTIMIZERS["own-adagrad"], [w], lr=0.1)
    for gradient in (3.0, 4.0):
        w.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
    assert w.item() == pytest.approx(-0.18)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("setting", ["lr", "weight_decay"])
def test_a_negative_setting_is_refused_with_its_value(name: str, setting: str) -> None:
    with pytest.raises(ValueError, match=rf"{setting} = -0\.1: a number from 0 up"):
        build(OPTIMIZERS[name], weights_of([(1,)], 0), **{setting: -0.1})


def test_a_beta_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="betas"):
        build(OPTIMIZERS["own-adam"], weights_of([(1,)], 0), betas=(0.9, 1.0))


def small() -> Regression:
    return points(40, 3, noise=0.1, generator=torch.Generator().manual_seed(0))


def test_no_weights_are_better_than_the_best() -> None:
    data, generator = small(), torch.Generator().manual_seed(1)
    least = data.loss(data.best())
    for _ in range(20):
        other = data.best() + 0.01 * torch.randn(4, generator=generator, dtype=torch.float64)
        assert data.loss(other) > least


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_linear_regression_is_trained_as_by_pytorchs_own(recipe: Any) -> None:
    settings = {"batch": recipe.batch, "epochs": 10, "seed": 0}
    ours = train(small(), recipe.optimizer, **settings)
    theirs = train(small(), lambda w: TORCHS[recipe.name]([w], lr=recipe.rate), **settings)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)


def test_every_recipe_comes_down_to_a_hundredth() -> None:
    for name, curve in convergence(small(), epochs=20, seed=0).items():
        assert curve[-1] < 0.01 * curve[0], name


def test_the_chart_has_a_line_for_each_optimizer_and_a_point_for_each_epoch() -> None:
    curves = convergence(small(), epochs=3, seed=0)
    spec = convergence_chart(curves).to_dict()
    rows = spec["data"]["values"]
    assert {row["optimizer"] for row in rows} == set(OPTIMIZERS)
    assert len(rows) == 4 * 4
    assert all(row["distance"] > 0 for row in rows)  # the axis is logarithmic
