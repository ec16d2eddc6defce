"""The loop, checkpoints and the choice of an epoch, on a model of some hundred weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.toy import Toy, toy_examples, toy_model
from torch import Tensor

from tunewise.costs.measure import Stopwatch
from tunewise.methods.full import Full
from tunewise.training import loop
from tunewise.training.checkpoint import trained_tensors
from tunewise.training.encoded_split import Feed
from tunewise.training.log import TrialLog
from tunewise.training.loop import Diverged, Interrupted, Training
from tunewise.training.progress import Progress, Step
from tunewise.training.settings import TrainingSettings

SETTINGS = TrainingSettings(epochs=3, batch_size=16, learning_rate=0.05, weight_decay=0.0)


def training(
    folder: Path,
    settings: TrainingSettings = SETTINGS,
    *,
    stop: Callable[[], bool] = lambda: False,
    checkpoint_seconds: float = 1e9,
) -> Training:
    task, model = Toy(), toy_model()
    examples, held_out = toy_examples(100), toy_examples(50)

    def feed(listed_examples: list[Any]) -> Feed:
        return Feed(task, None, task.encode(listed_examples, None, max_length=99))

    return Training(
        task=task,
        model=model,
        method=Full(),
        settings=settings,
        learning_rate=settings.learning_rate or 0.1,
        seed=0,
        train_feed=feed(examples),
        validation_feed=feed(held_out),
        validation=held_out,
        checkpoints=folder / "checkpoint",
        checkpoint_seconds=checkpoint_seconds,
        log=TrialLog(folder / "log.jsonl"),
        stopwatch=Stopwatch(),
        stop=stop,
    )


def outcome(run: Training) -> tuple[Progress, dict[str, Tensor]]:
    progress = run.run()
    return replace(progress, seconds={}), trained_tensors(run.model.module)


def assert_same(a: tuple[Any, dict[str, Tensor]], b: tuple[Any, dict[str, Tensor]]) -> None:
    assert a[0] == b[0]
    assert a[1].keys() == b[1].keys()
    assert all(torch.equal(a[1][name], b[1][name]) for name in a[1])


def test_it_learns(tmp_path: Path) -> None:
    progress, _ = outcome(training(tmp_path))
    losses = [record["train_loss"] for record in progress.epochs]
    assert losses[-1] < losses[0] / 1.5
    assert progress.epochs[-1]["validation"]["accuracy"] > 0.8


def interrupted_and_resumed(folder: Path, after: int) -> tuple[Progress, dict[str, Tensor]]:
    steps = count(1)
    with pytest.raises(Interrupted):
        training(folder, stop=lambda: next(steps) >= after).run()
    return outcome(training(folder))


@pytest.mark.parametrize("after", [1, 5, 7, 8, 13, 20])  # an epoch has seven steps
def test_a_run_that_was_interrupted_ends_bit_equal(tmp_path: Path, after: int) -> None:
    straight = outcome(training(tmp_path / "straight"))
    assert_same(interrupted_and_resumed(tmp_path / "resumed", after), straight)


def test_resuming_differs_when_draws_are_not_derived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with carried randomness the test above must fail."""
    monkeypatch.setattr(loop, "derive", lambda *_: torch.initial_seed())
    monkeypatch.setattr(torch, "manual_seed", lambda _: None)
    torch.default_generator.manual_seed(1)
    straight = outcome(training(tmp_path / "straight"))
    torch.default_generator.manual_seed(1)
    resumed = interrupted_and_resumed(tmp_path / "resumed", 10)
    with pytest.raises(AssertionError):
        assert_same(resumed, straight)


def test_the_log_of_a_resumed_run_is_the_straight_ones_but_for_seconds(tmp_path: Path) -> None:
    import json

    outcome(training(tmp_path / "straight"))
    interrupted_and_resumed(tmp_path / "resumed", 10)

    def events(folder: Path) -> list[dict[str, Any]]:
        lines = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
        return [{**line, "seconds": 0} for line in lines if line["event"] != "start"]

    assert events(tmp_path / "resumed") == events(tmp_path / "straight")


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path) -> None:
    straight = outcome(training(tmp_path / "straight"))
    steps = count(1)
    with pytest.raises(Interrupted):
        training(tmp_path / "hurt", stop=lambda: next(steps) >= 10).run()
    (tensors,) = (tmp_path / "hurt" / "checkpoint").glob("step-*/trained.safetensors")
    content = bytearray(tensors.read_bytes())
    content[-1] ^= 1
    tensors.write_bytes(content)
    assert_same(outcome(training(tmp_path / "hurt")), straight)


def test_checkpoints_by_the_clock_change_nothing_and_only_one_is_kept(tmp_path: Path) -> None:
    straight = outcome(training(tmp_path / "straight"))
    often = training(tmp_path / "often", checkpoint_seconds=0.0)
    assert_same(outcome(often), straight)
    assert len(list((tmp_path / "often" / "checkpoint").glob("step-*"))) == 1


@pytest.mark.parametrize("parts", [2, 8, 16])
def test_accumulation_changes_memory_and_not_the_weights(tmp_path: Path, parts: int) -> None:
    plain = training(tmp_path / "plain", replace(SETTINGS, dropout=0.0))
    split = training(tmp_path / "split", replace(SETTINGS, accumulate=parts))
    for run in (plain, split):
        run.model.module.dropout.p = 0.0  # type: ignore[union-attr]  # a Dropout of the toy
    whole, in_parts = outcome(plain)[1], outcome(split)[1]
    for name in whole:
        torch.testing.assert_close(in_parts[name], whole[name], rtol=1e-4, atol=1e-5)


def test_the_best_epochs_weights_are_left_in_the_model(tmp_path: Path) -> None:
    progress, best = outcome(training(tmp_path / "best", replace(SETTINGS, epochs=6)))
    shorter = replace(SETTINGS, epochs=6, choose="last")
    _, last = outcome(training(tmp_path / "last", shorter))
    ranks = [(r["validation"]["accuracy"], -r["validation"]["loss"]) for r in progress.epochs]
    assert progress.best_epoch == ranks.index(max(ranks)) + 1
    same = all(torch.equal(best[name], last[name]) for name in best)
    assert same == (progress.best_epoch == 6)


def test_patience_ends_a_run_that_no_longer_improves(tmp_path: Path) -> None:
    settings = replace(SETTINGS, epochs=50, patience=2)
    progress, _ = outcome(training(tmp_path, settings))
    assert len(progress.epochs) == progress.best_epoch + 2
    assert len(progress.epochs) < 50


def test_a_run_that_diverges_says_where_and_keeps_the_weights(tmp_path: Path) -> None:
    run = training(tmp_path)
    with torch.no_grad():
        run.model.module.get_parameter("classifier.bias").fill_(float("inf"))
    with pytest.raises(Diverged, match="at step 1; there was none"):
        run.run()


def test_gradients_are_clipped_to_the_norm(tmp_path: Path) -> None:
    norms: list[float] = []
    run = training(tmp_path, replace(SETTINGS, clip_norm=1e-3, epochs=1))
    record = run._record

    def watch(step: Step) -> None:
        weights = [w for w in run.model.module.parameters() if w.grad is not None]
        norms.append(
            float(torch.stack([w.grad.norm() for w in weights if w.grad is not None]).norm())
        )
        record(step)

    run._record = watch  # type: ignore[method-assign]  # to look between steps
    run.run()
    assert all(norm <= 1.001e-3 for norm in norms)
