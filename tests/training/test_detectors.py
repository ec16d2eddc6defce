"""Each silent fault, planted: the detector that looks for it must say so, and only it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.conftest import OPTIONS
from tests.training.test_training import SETTINGS, training
from tests.training.test_trial import EVERY, Settings, do, result, settings, study
from torch import nn

from tunewise.backbones.model import Model
from tunewise.data.examples import Example, Prediction
from tunewise.methods.base import METHODS, Adaptation
from tunewise.methods.full import Full
from tunewise.methods.lora_layer import LoRALinear
from tunewise.tasks.classification import Classification
from tunewise.training.detectors import (
    BINS,
    Check,
    Findings,
    StartCheck,
    Watch,
    all_saved,
    as_promised,
    checks_of,
    guarded,
)
from tunewise.training.settings import TrainingSettings

__all__ = ["settings", "study"]  # fixtures

ADAPTED = [(name, own) for name, own in EVERY if issubclass(METHODS.get(name), Adaptation)]
EXAMPLES = [Example("a", ("good room",), 2), Example("b", ("bad bed is cold",), 0)]


def named(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def checks_after(folder: Path, chosen: TrainingSettings = SETTINGS, **changes: Any) -> Any:
    """The checks of a toy training, with a fault planted by `changes`."""
    run = training(folder, chosen)
    for name, plant in changes.items():
        setattr(run, name, plant)
    progress = run.run()
    return named(checks_of(progress.findings, steps=progress.step, epochs=len(progress.epochs)))


@pytest.mark.parametrize(("name", "own"), ADAPTED)
def test_a_sound_training_passes_every_check(
    study: Path, settings: Settings, name: str, own: dict[str, Any]
) -> None:
    job = settings(name, own, epochs=4)
    assert do(study, job) == "done"
    checks = {check["name"]: check for check in result(study)["checks"]}
    method = METHODS.build(name, own)
    assert isinstance(method, Adaptation)
    saved = {"saved"} if method.saves_all else set()
    assert set(checks) == {"promised", "start", "moved", "frozen", "answers", "loss"} | saved
    learning = ("answers", "loss")  # a model of a few weights may truly fail at these
    assert [c for n, c in checks.items() if c["passed"] is False and n not in learning] == []
    assert checks["start"]["passed"] is (True if method.starts_at_base else None)


def test_fewer_trained_numbers_than_the_plan_has_are_seen(study: Path, settings: Settings) -> None:
    do(study, settings("head"), promised={"total": 1, "trainable": 99, "head": 51})
    [check] = [c for c in result(study)["checks"] if c["name"] == "promised"]
    assert check["passed"] is False
    assert "51 numbers are trained where the plan has 99" in check["detail"]


def test_a_frozen_head_is_seen() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    module[1].weight.requires_grad_(False)
    check = as_promised(module, ["1.weight", "1.bias"], {"trainable": 8})
    assert (check.passed, check.detail) == (False, "the head is not trained: 1.weight.")


def test_an_adapter_that_does_not_start_at_zero_is_seen(
    tiny: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    def start_check() -> Check:
        model = tiny("bert")
        start = StartCheck(Classification(text=("text",), label="label"), EXAMPLES)
        start(model)
        METHODS.build("lora", {"rank": 2}).prepare(model)  # type: ignore[attr-defined]
        return start.check(model, promised=True)

    assert start_check().passed
    made = LoRALinear.__init__

    def start_elsewhere(self: LoRALinear, *parts: Any, **more: Any) -> None:
        made(self, *parts, **more)
        nn.init.normal_(self.B)

    monkeypatch.setattr(LoRALinear, "__init__", start_elsewhere)
    assert start_check().passed is False


class Forgetful(Full):
    def groups(self, model: Model) -> list[dict[str, Any]]:
        return [{"params": ["trunk.weight", "classifier.weight"]}]  # the bias has no group


def test_a_trained_tensor_that_never_moves_is_named(tmp_path: Path) -> None:
    checks = checks_after(tmp_path, method=Forgetful())
    assert checks["moved"].passed is False
    assert checks["moved"].detail == "trained, but never moved: classifier.bias."
    assert checks["frozen"].passed


def test_a_tensor_that_is_slow_to_move_is_forgiven() -> None:
    module, findings = nn.Linear(2, 2), Findings()
    watch = Watch(module)
    watch.look(findings)
    assert findings.unmoved == ["weight", "bias"]
    nn.init.normal_(module.weight)
    watch.look(findings)
    assert findings.unmoved == ["bias"]


@pytest.mark.parametrize("change", ["one number", "a swapped sign"])
def test_a_frozen_tensor_that_changes_at_all_is_named(change: str) -> None:
    module, findings = nn.Linear(40, 50), Findings()
    module.weight.requires_grad_(False)
    watch = Watch(module)
    with torch.no_grad():
        if change == "one number":
            weight = module.weight[3, 7]
            weight.copy_(torch.nextafter(weight, torch.tensor(9.0)))
        else:
            module.weight[3, 7].neg_()
        module.bias.add_(1)
    watch.look(findings)
    assert (findings.moved, findings.unmoved) == (["weight"], [])


def test_a_frozen_tensor_that_was_put_back_was_still_moved() -> None:
    module, findings = nn.Linear(2, 2), Findings()
    module.weight.requires_grad_(False)
    watch, before = Watch(module), module.weight.clone()
    with torch.no_grad():
        module.weight.add_(1)
        watch.look(findings)
        module.weight.copy_(before)
    watch.look(findings)
    assert findings.moved == ["weight"]


def test_one_answer_for_everything_is_seen_at_the_last_evaluation() -> None:
    findings = Findings()
    same = [Prediction(str(n), 1, (0.0, 1.0), 0.1) for n in range(3)]
    findings.add_answers(1, [*same, Prediction("other", 0, (1.0, 0.0), 0.1)])
    findings.add_answers(2, same)
    check = named(checks_of(findings, steps=0, epochs=2))["answers"]
    assert check.passed is False
    assert check.detail.endswith("at epoch 2 of 2.")
    assert named(checks_of(findings, steps=0, epochs=3))["answers"].passed


def test_a_loss_that_does_not_fall_is_seen(tmp_path: Path) -> None:
    slow = TrainingSettings(epochs=10, batch_size=16, learning_rate=1e-9)
    assert checks_after(tmp_path / "slow", slow)["loss"].passed is False
    well = replace(slow, learning_rate=0.05)
    assert checks_after(tmp_path / "well", well)["loss"].passed


@pytest.mark.parametrize(
    ("losses", "passed"),
    [
        ([1.0] * 50 + [0.5] * 50, True),
        ([1.0] * 100, False),
        ([1.0, 0.8] * 25 + [0.99, 0.79] * 25, False),  # 0.01 lower: its noise is 0.09
        ([0.5] * 50 + [1.0] * 50, False),
        ([1.0] * 20 + [0.5] * 20, None),
    ],
)
def test_the_last_tenth_must_lie_below_the_first_by_more_than_noise(
    losses: list[float], passed: bool | None
) -> None:
    findings = Findings()
    for step, loss in enumerate(losses, start=1):
        findings.add_loss(step, len(losses), loss)
    assert sum(tenth[0] for tenth in findings.losses) == len(losses)
    assert findings.losses[0][0] == pytest.approx(len(losses) / BINS, abs=1)
    assert named(checks_of(findings, steps=len(losses), epochs=1))["loss"].passed is passed


def test_an_artefact_without_the_head_is_seen(tmp_path: Path) -> None:
    save_file({"lora.A": torch.zeros(2, 3)}, tmp_path / "adapter_model.safetensors")
    assert all_saved(tmp_path, 6).passed
    check = all_saved(tmp_path, 6 + 3 * len(OPTIONS))
    assert (check.passed, check.detail) == (False, "6 numbers are saved of 15 trained.")


def test_findings_survive_an_interruption(study: Path, settings: Settings) -> None:
    do(study, settings("lora", {"rank": 2}), "straight")
    job = settings("lora", {"rank": 2})
    for after in (2, 6):  # before and after the third step
        stop = iter([False] * after + [True] * 99)
        assert do(study, job, "resumed", stop=lambda stop=stop: next(stop)) == "interrupted"
    assert do(study, job, "resumed") == "done"
    assert result(study, "resumed")["checks"] == result(study, "straight")["checks"]


def test_a_detector_that_fails_ends_no_trial() -> None:
    def look() -> Check:
        raise RuntimeError("no such kernel")

    assert guarded(look, "start") == Check(
        "start", None, "could not be looked at (RuntimeError: no such kernel)."
    )
