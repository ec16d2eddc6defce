"""The same trials on a GPU: repeated and resumed to the byte, close to the CPU's, and counted.

make test-gpu
"""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.commands import Run
from tests.training import test_trial
from tests.training.test_trial import EVERY, Settings, do, result
from transformers import AutoConfig

from tunewise.backbones.shapes import build_shape
from tunewise.core.files import read_json
from tunewise.estimate.memory import predict_memory
from tunewise.estimate.step_shape import StepShape, step_batches
from tunewise.methods.base import Adaptation
from tunewise.methods.full import Full
from tunewise.methods.lora import LoRA
from tunewise.methods.prefix import PrefixTuning
from tunewise.runner import repeat_exactly
from tunewise.tasks.classification import Classification
from tunewise.training.assembly import settle
from tunewise.training.settings import TrainingSettings

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU"),
]
study, settings = test_trial.study, test_trial.settings  # the same fixtures as on a CPU

STUDY = """
name: card
task: {kind: classification, text: text, label: label}
data: {source: embedded:reviews, limit: {train: 120, validation: 60, test: 60}}
models: [embedded:encoder]
methods: [majority, tfidf, head, lora, full]
training: {epochs: 2}
seeds: [0]
"""


@pytest.mark.parametrize(("name", "own"), EVERY, ids=str)
def test_a_trial_repeats_to_the_byte(
    study: Path, settings: Settings, name: str, own: dict[str, Any]
) -> None:
    chosen = settings(name, own)
    for id in ("first", "again"):
        assert do(study, chosen, id) == "done", result(study, id)["error"]
    assert {**result(study, "first"), "id": ""} == {**result(study, "again"), "id": ""}
    assert_same_weights(study, "first", "again")


def test_a_trial_goes_on_where_it_was_stopped(study: Path, settings: Settings) -> None:
    chosen = settings("lora", {"rank": 2, "dropout": 0.1})
    do(study, chosen, "straight")
    steps = count()
    assert do(study, chosen, "cut", stop=lambda: next(steps) == 9) == "interrupted"
    assert do(study, chosen, "cut") == "done"
    assert {**result(study, "cut"), "id": ""} == {**result(study, "straight"), "id": ""}
    assert_same_weights(study, "straight", "cut")


def assert_same_weights(study: Path, one: str, other: str) -> None:
    paths = list((study / "weights" / one).glob("*.safetensors"))
    for path in paths:
        assert path.read_bytes() == (study / "weights" / other / path.name).read_bytes()


@pytest.mark.parametrize("name", ["head", "lora", "prefix", "full"])
def test_a_card_learns_as_a_processor_does(
    study: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Up to the order of sums: both draw the same weights and, without dropout, nothing else."""
    chosen = settings(name, dropout=0.0)
    do(study, chosen, "card")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    do(study, chosen, "processor")
    card, processor = (result(study, id)["epochs"] for id in ("card", "processor"))
    assert [epoch["train_loss"] for epoch in card] == pytest.approx(
        [epoch["train_loss"] for epoch in processor], rel=1e-3
    )


def test_a_step_that_does_not_fit_is_told_and_leaves_the_card_usable(
    study: Path, settings: Settings, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(lambda: torch.cuda.set_per_process_memory_fraction(1.0))
    held = all_that_is_left()
    assert do(study, settings("full"), "small", memory_limit=1) == "out-of-memory"
    torch.cuda.set_per_process_memory_fraction(1.0)
    held.clear()
    assert do(study, settings("full"), "whole") == "done"


def all_that_is_left() -> list[torch.Tensor]:
    """What earlier tests left room for: within it a tiny trial would never meet its limit."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-9)
    held = []
    for size in (1 << 22, 1 << 20, 1 << 9):  # of each of the allocator's pools, down to its unit
        with suppress(torch.OutOfMemoryError):
            while True:
                held.append(torch.empty(size, dtype=torch.uint8, device="cuda"))
    return held


def test_a_study_runs_on_the_card(tunewise: Run, tmp_path: Path) -> None:
    """Its worker forks a process for each trial, which a process that met the card cannot."""
    (tmp_path / "study.yaml").write_text(STUDY)
    ended = tunewise("run", "study.yaml", "--out", "out", cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "failed" not in ended.stdout


def test_small_trials_share_the_card_and_come_out_as_one_by_one(
    tunewise: Run, tmp_path: Path
) -> None:
    """Prints what sharing is worth, and what the allocator gave in each phase."""
    (tmp_path / "study.yaml").write_text(STUDY)
    results = {}
    for workers in (1, 3):
        began = time.monotonic()
        out = f"out{workers}"
        ended = tunewise("run", "study.yaml", "--out", out, "--workers", f"{workers}", cwd=tmp_path)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        print(f"\n{torch.cuda.get_device_name()}, {workers} at a time: ", end="")
        print(f"{time.monotonic() - began:.1f} s")
        places = sorted((tmp_path / out / "trials").glob("[!.]*/"))
        results[workers] = {place.name: (place / "result.json").read_bytes() for place in places}
        for place in places:
            memory = read_json(place / "costs.json").get("memory") or {}
            for phase, given in (memory.get("device") or {}).items():
                print(f"{place.name} {phase}: {given}")
    assert results[1] == results[3]


@pytest.mark.parametrize("method", [Full(), LoRA(), PrefixTuning()], ids=lambda m: m.name)
def test_memory_is_predicted_within_eight_percent_of_what_the_card_gives(
    tmp_path: Path, method: Adaptation
) -> None:
    repeat_exactly()
    AutoConfig.for_model("bert").save_pretrained(tmp_path)  # the library's default is bert-base
    task = Classification(text=("text",), label="label")
    training, options = TrainingSettings(), ("a", "b", "c")
    shape = StepShape(16, 128, evaluated=16)
    predicted = predict_memory(
        build_shape(tmp_path, options=options), task, method, training, shape
    ).memory.peak_bytes("backward")

    torch.cuda.empty_cache()
    torch.manual_seed(0)
    model = build_shape(tmp_path, options=options, device="cpu")
    method.prepare(model)
    before = torch.cuda.memory_allocated()
    model.module.to("cuda")
    settle(model, training)
    optimizer = torch.optim.AdamW(p for p in model.module.parameters() if p.requires_grad)
    batches = step_batches(model, task, shape)
    for _ in range(2):  # the moments of the optimizer are there from the second on
        torch.cuda.reset_peak_memory_stats()
        for batch in batches.training:
            task.loss(model.module.train(), batch.to(model.device)).total.backward()
        found = torch.cuda.max_memory_allocated() - before
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    print(f"\n{method.name}: predicted {predicted / 1e6:,.0f} MB, allocated {found / 1e6:,.0f} MB")
    assert predicted == pytest.approx(found, rel=0.08)
