"""Training in float16: the scale of the loss, skipped steps, and going on after an interruption."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.test_training import SETTINGS, assert_same, outcome, training
from torch import nn

from tunewise.backbones.memory_saving import compute_in
from tunewise.training import loss_scale
from tunewise.training.checkpoint import trained_tensors
from tunewise.training.checks.weights import SETTLED
from tunewise.training.loop import Diverged, Interrupted, Training
from tunewise.training.loss_scale import LossScale
from tunewise.training.outcome import described
from tunewise.training.progress import Step

HALF = replace(SETTINGS, precision="float16")
FAR_TOO_LARGE = 2.0**26  # of a toy's gradients, for some ten steps


def half(folder: Path, **more: Any) -> Training:
    run = training(folder, more.pop("settings", HALF), **more)
    compute_in(run.model, torch.float16)
    return run


@pytest.fixture
def overflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LossScale.__init__, "__defaults__", (FAR_TOO_LARGE, 0, 0))


def steps_of(run: Training) -> list[tuple[Step, float, dict[str, torch.Tensor]]]:
    """Run it; each step with the scale and the weights after it."""
    seen: list[tuple[Step, float, dict[str, torch.Tensor]]] = []
    record = run._record

    def watch(step: Step) -> None:
        record(step)
        seen.append((step, run.progress.scale.factor, trained_tensors(run.model.module)))

    run._record = watch  # type: ignore[method-assign]  # to look between steps
    run.run()
    return seen


def test_the_scale_follows_torchs_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss_scale, "GROWTH_STEPS", 3)
    ours, theirs = LossScale(), torch.amp.GradScaler("cpu", growth_interval=3)
    weight = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    for norm in [math.inf, 1.0, 1.0, math.nan, 1.0, 1.0, 1.0, 1.0, math.inf, 1.0, 1.0, 1.0, 1.0]:
        before = weight.detach().clone()
        theirs.scale(weight.sum()).backward()
        assert weight.grad is not None
        weight.grad[0] = norm
        theirs.step(optimizer)
        theirs.update()
        optimizer.zero_grad()
        assert ours.accept(norm) == (not torch.equal(before, weight))
        assert ours.factor == theirs.get_scale()


def test_float16_ends_near_float32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LossScale.__init__, "__defaults__", (2.0**10, 0, 0))  # nothing overflows
    plain, weights = outcome(training(tmp_path / "plain"))
    rough, others = outcome(half(tmp_path / "half"))
    assert rough.scale.skipped == 0
    assert [e["train_loss"] for e in rough.epochs] == pytest.approx(
        [e["train_loss"] for e in plain.epochs], rel=0.01
    )
    assert any(not torch.equal(weights[name], others[name]) for name in weights)
    for name in weights:
        torch.testing.assert_close(weights[name], others[name], rtol=0.05, atol=0.02)


def test_small_gradients_survive_in_float16_by_the_scale_alone(tmp_path: Path) -> None:
    def first_norm(start: float) -> float:
        run = half(tmp_path / str(start))
        compute = run.task.loss

        def tiny(module: nn.Module, batch: Any) -> Any:
            found = compute(module, batch)
            return found._replace(total=found.total * 1e-7)

        run.task.loss = tiny  # type: ignore[method-assign]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LossScale.__init__, "__defaults__", (start, 0, 0))
            return steps_of(run)[0][0].gradient_norm

    plain = training(tmp_path / "plain")
    expected = 1e-7 * steps_of(plain)[0][0].gradient_norm
    assert first_norm(2.0**16) == pytest.approx(expected, rel=0.02)
    assert first_norm(1.0) != pytest.approx(expected, rel=0.02)


def test_an_overflow_skips_the_step_and_halves_the_scale(tmp_path: Path, overflows: None) -> None:
    run = half(tmp_path)
    before, scale = trained_tensors(run.model.module), FAR_TOO_LARGE
    taken = 0
    for step, now, weights in steps_of(run):
        same = all(torch.equal(before[name], weights[name]) for name in weights)
        assert same == step.skipped == (not math.isfinite(step.gradient_norm))
        assert now == (scale / 2 if step.skipped else scale)
        taken += not step.skipped
        before, scale = weights, now
    assert 3 < run.progress.scale.skipped < 15
    assert taken == run.progress.step - run.progress.scale.skipped
    assert {entry["step"].item() for entry in run.optimizer.state.values()} == {taken}


def test_the_learning_rate_and_the_detectors_count_the_steps_taken(
    tmp_path: Path, overflows: None
) -> None:
    settings = replace(HALF, warmup=0.3)
    run = half(tmp_path / "overflows", settings=settings)
    looked: list[int] = []
    called: list[int] = []
    record = Training._record

    def watch(step: Step) -> None:
        found = run.progress.findings.unmoved
        record(run, step)
        if found is None and run.progress.findings.unmoved is not None:
            looked.append(step.number - run.progress.scale.skipped)

    run._record = watch  # type: ignore[method-assign]
    object.__setattr__(run.method, "after_step", lambda model, step: called.append(step))
    steps = [step for step, *_ in steps_of(run)]
    assert looked == [SETTLED]
    assert run.progress.findings.unmoved == []
    assert called == [step.number for step in steps if not step.skipped]
    plain = [s.learning_rate for s, *_ in steps_of(training(tmp_path / "plain", settings))]
    rates = [step.learning_rate for step in steps if not step.skipped]
    assert rates == plain[: len(rates)]


@pytest.mark.parametrize("after", [4, 12])  # among the skipped steps, and behind them
def test_an_interrupted_run_in_float16_ends_bit_equal(
    tmp_path: Path, overflows: None, after: int
) -> None:
    straight = outcome(half(tmp_path / "straight"))
    assert straight[0].scale.skipped > 4
    calls = count(1)
    with pytest.raises(Interrupted):
        half(tmp_path / "resumed", stop=lambda: next(calls) == after).run()
    assert_same(outcome(half(tmp_path / "resumed")), straight)


def test_a_skipped_step_is_logged_without_a_norm(tmp_path: Path, overflows: None) -> None:
    half(tmp_path).run()
    first = (tmp_path / "log.jsonl").read_text().splitlines()[1]
    assert '"gradient_norm":null' in first.replace(" ", "")


def test_a_gradient_that_no_smaller_scale_makes_finite_diverges(tmp_path: Path) -> None:
    run = half(tmp_path)
    run.model.module.get_parameter("classifier.bias").register_hook(lambda g: g * math.inf)
    before = trained_tensors(run.model.module)
    with pytest.raises(Diverged, match="at step 17"):
        run.run()
    assert all(
        torch.equal(w, before[name]) for name, w in trained_tensors(run.model.module).items()
    )


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_other_precisions_have_no_scale(tmp_path: Path, precision: Any) -> None:
    run = training(tmp_path, replace(SETTINGS, precision=precision))
    run.model.module.get_parameter("classifier.bias").register_hook(lambda g: g * math.inf)
    with pytest.raises(Diverged, match="at step 1;"):
        run.run()
    assert run.progress.scale == LossScale()


def test_a_missing_kernel_is_reported_with_what_would_be_right() -> None:
    error = RuntimeError("\"slow_conv2d_cpu\" not implemented for 'Half'")
    message = described(error)
    assert (
        "precision: float16" in message
        and "slow_conv2d_cpu" in message
        and "take another" in message
    )
