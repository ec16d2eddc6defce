"""Whole jobs on a BERT of a few thousand weights: every method, every way a trial can end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.conftest import OPTIONS

from tunewise.backbones.shapes import build_shape
from tunewise.backbones.sources import resolve
from tunewise.core.canonical import settings_of
from tunewise.core.errors import DamagedFile
from tunewise.core.files import check_complete, is_complete
from tunewise.data.examples import Prediction
from tunewise.data.prepared import write_prepared
from tunewise.estimate.memory import predict_memory
from tunewise.estimate.step_shape import StepShape
from tunewise.methods.base import METHODS, Adaptation
from tunewise.runner import run_job
from tunewise.store.records import TrialSettings
from tunewise.store.trial_records import Job
from tunewise.tasks.base import Task
from tunewise.training.assembly import Feeds, Parts, prepared_model
from tunewise.training.loop import Diverged, Training
from tunewise.training.predictor import predict_feed
from tunewise.training.settings import TrainingSettings
from tunewise.training.trial import adapt

WORDS = ("good", "bad", "fine", "room", "bed", "warm")
SIZES = {"train": 60, "validation": 30, "test": 30}
Settings = Callable[..., dict[str, Any]]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    write_prepared(tmp_path / "data", {name: rows(name, size) for name, size in SIZES.items()})
    return tmp_path


def rows(split: str, size: int) -> list[dict[str, Any]]:
    """Texts of three to nine words; the label is the place of the first opinion in OPTIONS."""
    generator = torch.Generator().manual_seed(size + len(split))
    made = []
    for number in range(size):
        length = int(torch.randint(3, 10, (1,), generator=generator))
        words = [WORDS[i] for i in torch.randint(0, 6, (length,), generator=generator)]
        opinions = [OPTIONS.index(word) for word in words if word in OPTIONS]
        label = opinions[0] if opinions else 1
        made.append({"id": f"{split}-{number}", "text": " ".join(words), "label": label})
    return made


@pytest.fixture
def settings(checkpoint: Callable[[str], Path]) -> Settings:
    """`settings("lora", {"rank": 2}, epochs=2)`: what a job carries."""

    def make(
        name: str, chosen: dict[str, Any] | None = None, pooling: str = "library", **training: Any
    ) -> dict[str, Any]:
        part = METHODS.get(name)
        method = METHODS.build(name, chosen or {})
        loop = TrainingSettings(**{"epochs": 2, "batch_size": 8, "learning_rate": 1e-2, **training})
        return {
            "task": {
                "kind": "classification",
                "text": ["text"],
                "label": "label",
                "labels": list(OPTIONS),
                "metrics": ["accuracy", "f1_macro"],
                "pooling": pooling,
            },
            "data": {"hash": "0" * 16},
            "model": resolve(str(checkpoint("bert"))) if part.uses_model else None,
            "method": {"name": name, "version": method.version, "settings": chosen or {}},
            "training": settings_of(loop) if issubclass(part, Adaptation) else {},
            "seed": 0,
        }

    return make


def do(study: Path, settings: dict[str, Any], id: str = "a", **more: Any) -> str:
    stop = more.pop("stop", lambda: False)
    job = Job.from_json({"kind": "trial", "id": id, "settings": settings, **more})
    return run_job(job, study, stop)


def result(study: Path, id: str = "a", kind: str = "trials") -> dict[str, Any]:
    content: dict[str, Any] = json.loads((study / kind / id / "result.json").read_text())
    return content


ELSEWHERE = {"peft", "fusion", "untuned", "prompt"}  # below, of other tasks, or of causal models
EVERY: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in METHODS.classes if name not in ELSEWHERE),
    ("peft", {"peft_type": "IA3"}),
    ("peft", {"peft_type": "ADALORA", "init_r": 4, "target_r": 2}),
    ("peft", {"peft_type": "PREFIX_TUNING", "num_virtual_tokens": 3}),
]


def test_what_a_method_adds_is_drawn_from_the_seed_of_the_trial(settings: Settings) -> None:
    """And from nothing else: a larger head draws more before it, which changes nothing."""
    drawn = []
    for seed, labels in ((0, OPTIONS), (0, (*OPTIONS, "more", "most")), (1, OPTIONS)):
        chosen = {**settings("lora", {"rank": 2}), "seed": seed}
        parts = Parts.of(
            TrialSettings.from_json({**chosen, "task": {**chosen["task"], "labels": list(labels)}}),
            Path(),
        )
        assert isinstance(parts.method, Adaptation)
        model = prepared_model(parts, parts.method)
        added = [
            weight.flatten()
            for name, weight in model.module.named_parameters()
            if weight.requires_grad and name not in model.head
        ]
        drawn.append(torch.cat(added))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize("kind", ["trial", "features"])
def test_a_model_that_was_edited_while_its_study_ran_is_not_trained(
    study: Path, settings: Settings, tmp_path: Path, kind: str
) -> None:
    model = tmp_path / "model"
    shutil.copytree(settings("head")["model"]["source"], model)
    chosen = {**settings("head"), "model": resolve(str(model))}
    (study / "data" / "train.parquet").touch()  # as a start of the study does
    (model / "README.md").write_text("no part of the model")
    assert do(study, chosen, id="before", kind=kind) == "done"
    weights = load_file(model / "model.safetensors")
    save_file(
        {name: tensor + 1e-3 for name, tensor in weights.items()}, model / "model.safetensors"
    )
    with pytest.raises(DamagedFile, match="its files have changed since the study was started"):
        do(study, chosen, id="after", kind=kind)
    assert not is_complete(study / "trials" / "after")  # it is no doing of the trial


@pytest.mark.parametrize(("name", "own"), EVERY)
def test_every_method_ends_in_a_result_predictions_weights_and_a_test(
    study: Path, settings: Settings, name: str, own: dict[str, Any]
) -> None:
    chosen = settings(name, own)
    assert do(study, chosen) == "done"
    assert set(result(study)["metrics"]["validation"]) == {"accuracy", "f1_macro", "loss"}
    check_complete(study / "trials" / "a")
    check_complete(study / "weights" / "a")
    assert not (study / "weights" / "a" / "checkpoint").exists()
    run_job(Job("test", "a", TrialSettings.from_json(chosen)), study, lambda: False)
    assert 0 <= result(study, kind="tests")["metrics"]["test"]["accuracy"] <= 1
    costs = json.loads((study / "tests" / "a" / "costs.json").read_text())
    assert len(costs["openings"]) == 1
    assert costs["at_one"]["batch_size"] == 1
    assert 0 < costs["at_one"]["median_seconds"] <= costs["at_one"]["p95_seconds"]


@pytest.mark.parametrize("name", ["majority", "tfidf", "head", "lora", "full"])
def test_a_result_is_a_function_of_the_settings_alone(
    study: Path, settings: Settings, name: str
) -> None:
    do(study, settings(name), "a")
    do(study, settings(name), "b")
    first, second = result(study, "a"), result(study, "b")
    assert {**first, "id": ""} == {**second, "id": ""}
    a, b = (study / "trials" / id / "predictions" / "validation.parquet" for id in "ab")
    assert a.read_bytes() == b.read_bytes()


@pytest.mark.parametrize("pooling", ["library", "mean"])
def test_stored_features_give_what_the_whole_model_gives(
    study: Path, settings: Settings, pooling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(study, settings("head", pooling=pooling), "stored")
    assert list((study / "features").glob("*/train/rows-00000.safetensors"))
    monkeypatch.setattr("tunewise.training.assembly.features_of", lambda *_: None)
    do(study, settings("head", pooling=pooling), "whole")
    stored, whole = result(study, "stored"), result(study, "whole")
    for a, b in zip(stored["epochs"], whole["epochs"], strict=True):
        assert a["validation"]["loss"] == pytest.approx(b["validation"]["loss"], rel=1e-4)
        assert a["train_loss"] == pytest.approx(b["train_loss"], rel=1e-4)


def test_features_are_computed_once(
    study: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job("features", "k", TrialSettings.from_json(settings("head")))
    monkeypatch.setattr("tunewise.training.assembly.features_of", lambda *_: "k")
    assert run_job(job, study, lambda: False) == "done"
    assert is_complete(study / "features" / "k")

    def forbidden(*_: Any) -> Any:
        raise AssertionError("computed again")

    monkeypatch.setattr("tunewise.training.features.FeatureStore._compute", forbidden)
    assert do(study, settings("head")) == "done"
    assert result(study)["error"] is None

    shutil.rmtree(study / "features")  # as in another study of the same data and model
    assert run_job(job, study, lambda: False) == "done"
    assert list((study / "features" / "k" / "train").glob("*.safetensors"))


def test_an_unusable_cache_is_done_without(
    study: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (study / "a file").write_text("")
    monkeypatch.setenv("TUNEWISE_CACHE", str(study / "a file" / "cache"))
    assert do(study, settings("head")) == "done"
    assert list((study / "features").glob("*/train/rows-00000.safetensors"))


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("lora", {"rank": 2, "dropout": 0.1}),
        ("peft", {"peft_type": "ADALORA", "init_r": 4, "target_r": 2, "lora_dropout": 0.1}),
        ("peft", {"peft_type": "P_TUNING", "num_virtual_tokens": 3}),
    ],
)
def test_an_interrupted_trial_has_no_marker_and_ends_as_if_undisturbed(
    study: Path, settings: Settings, name: str, own: dict[str, Any]
) -> None:
    chosen = settings(name, own)
    do(study, chosen, "straight")
    steps = count()
    assert do(study, chosen, "cut", stop=lambda: next(steps) == 9) == "interrupted"
    assert not is_complete(study / "trials" / "cut")
    assert do(study, chosen, "cut") == "done"
    assert {**result(study, "cut"), "id": ""} == {**result(study, "straight"), "id": ""}
    for path in (study / "weights" / "straight").glob("*.safetensors"):
        assert path.read_bytes() == (study / "weights" / "cut" / path.name).read_bytes()


def raising(error: Exception, times: int = 10**6) -> Callable[..., Any]:
    left = iter(range(times))
    run = Training.run

    def fail(self: Any) -> Any:
        if next(left, None) is None:
            return run(self)
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (Diverged(7, 1.25), "diverged", "step 7; the last one was 1.25"),
        (torch.OutOfMemoryError("tried to allocate"), "out-of-memory", "tried to allocate"),
        (MemoryError("no more"), "out-of-memory", "no more"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out-of-memory", "allocate"),
        (ValueError("something else"), "failed", "something else"),
    ],
)
def test_a_trial_that_fails_says_how_and_leaves_no_weights(  # noqa: PLR0917  # pytest names them
    study: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: str,
    words: str,
) -> None:
    monkeypatch.setattr(Training, "run", raising(error))
    assert do(study, settings("full")) == status
    assert result(study)["status"] == status
    assert words in result(study)["error"]
    assert is_complete(study / "trials" / "a")
    assert not (study / "weights" / "a").exists()


def test_out_of_memory_is_tried_once_more_with_half_the_examples_at_a_time(
    study: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Training, "run", raising(torch.OutOfMemoryError("full"), 1))
    assert do(study, settings("full")) == "done"
    costs = json.loads((study / "trials" / "a" / "costs.json").read_text())
    assert costs["parts_of_a_step"] == 2


def test_a_kernel_without_a_fixed_order_of_sums_is_taken_and_flagged(
    study: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, request: Any
) -> None:
    request.addfinalizer(lambda: torch.use_deterministic_algorithms(False))
    message = "pool_backward_cuda does not have a deterministic implementation, but you set"
    monkeypatch.setattr(Training, "run", raising(RuntimeError(message), 1))
    assert do(study, settings("full", learning_rate=3e-3)) == "done"
    assert result(study)["flags"] == ["unrepeatable"]
    assert torch.is_deterministic_algorithms_warn_only_enabled()


def test_a_full_disk_is_no_result_of_the_trial(
    study: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(28, "No space left on device")
    monkeypatch.setattr(Training, "run", raising(full))
    with pytest.raises(OSError, match="No space"):
        do(study, settings("full"))
    assert not is_complete(study / "trials" / "a")


def test_one_answer_for_every_example_is_flagged(study: Path, settings: Settings) -> None:
    do(study, settings("bitfit", learning_rate=1e-9, epochs=1))
    predictions = {**result(study)}
    assert predictions["flags"] in ([], ["degenerate"])
    do(study, settings("full", learning_rate=0.9, epochs=1, clip_norm=1e6), "b")
    assert result(study, "b")["flags"] == ["degenerate"] or result(study, "b")["status"] != "done"


def test_the_fraction_of_shortened_texts_is_stored(study: Path, settings: Settings) -> None:
    do(study, settings("full", max_length=6, epochs=1))
    fraction = result(study)["truncated_share"]
    longer = [len(row["text"].split()) + 2 > 6 for row in rows("train", SIZES["train"])]
    assert fraction["train"] == pytest.approx(sum(longer) / len(longer))


def test_the_last_batch_may_be_a_single_example(study: Path, settings: Settings) -> None:
    assert do(study, settings("full", batch_size=59)) == "done"
    assert do(study, settings("full", batch_size=1000), "big") == "done"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_backbone_with_a_trainable_parameter_is_never_replaced(
    study: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = []
    made = Feeds.__init__

    def watch(self: Feeds, *words: Any) -> None:
        made(self, *words)
        stores.append(self.store)

    monkeypatch.setattr(Feeds, "__init__", watch)
    for name in ("full", "lora", "bitfit", "last-layers", "prefix"):
        do(study, settings(name, epochs=1), name)
    assert stores == [None] * 5


@pytest.mark.parametrize("name", ["full", "lora", "head", "prefix"])
def test_a_trials_step_holds_what_was_predicted(
    study: Path, settings: Settings, checkpoint: Callable[[str], Path], name: str
) -> None:
    own = {"length": 4} if name == "prefix" else None
    chosen = settings(name, own, epochs=1, optimizer="adamw")
    assert do(study, chosen) == "done"
    costs = json.loads((study / "trials" / "a" / "costs.json").read_text())
    memory, counted = costs["memory"], costs["memory"]["counted"]
    parts = Parts.of(TrialSettings.from_json(chosen), study)
    assert isinstance(parts.method, Adaptation)
    predicted = predict_memory(
        build_shape(checkpoint("bert"), options=OPTIONS),
        parts.task,
        parts.method,
        parts.training,
        StepShape(counted["examples"], counted["tokens"], evaluated=SIZES["validation"]),
    ).memory
    for phase in ("forward", "backward", "update"):
        expected = predicted.peak_bytes(phase)
        # A batch without padding needs no mask; a prediction is for one that does.
        assert memory["peak_bytes"][phase] == pytest.approx(expected, rel=0.03), phase
    assert memory["trainable_bytes"] == predicted.trainable_bytes
    assert costs["flops_per_step"] > 0
    assert all(costs["step_seconds"][phase] > 0 for phase in ("forward", "backward", "update"))


@pytest.mark.parametrize("optimizer", ["lbfgs", "adamw"])
def test_the_pass_over_a_frozen_backbone_is_counted_where_it_happens(
    study: Path, settings: Settings, checkpoint: Callable[[str], Path], optimizer: str
) -> None:
    chosen = settings("head", epochs=1, optimizer=optimizer)
    assert do(study, chosen) == "done"
    memory = json.loads((study / "trials" / "a" / "costs.json").read_text())["memory"]
    assert ("forward" in memory["peak_bytes"]) == (optimizer == "adamw")
    parts = Parts.of(TrialSettings.from_json(chosen), study)
    assert isinstance(parts.method, Adaptation)
    model = build_shape(checkpoint("bert"), options=OPTIONS)
    encoded = parts.task.encode(parts.examples("train"), model.processor, max_length=64)
    longest = max(example.length for example in encoded)
    shape = StepShape(8, longest, evaluated=8, evaluated_tokens=longest)
    predicted = predict_memory(model, parts.task, parts.method, parts.training, shape).memory
    found, expected = memory["peak_bytes"]["features"], predicted.peak_bytes("features")
    # The longest eight need no mask; a prediction is for a batch that does, as a small model shows.
    assert 0.93 * expected < found <= expected
    assert found > memory["peak_bytes"].get("forward", 0)
    assert memory["peak_phase"] == "features"


@pytest.mark.parametrize("choose", ["best", "last"])
@pytest.mark.parametrize(("name", "chosen"), [EVERY[-2], ("full", {})])  # AdaLoRA drops ranks
def test_answers_that_are_known_are_those_of_the_weights_that_are_left(  # noqa: PLR0917
    study: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    chosen: dict[str, Any],
    choose: str,
) -> None:
    """Validation is answered once an epoch and not again; asked again, it answers alike."""
    asked: list[str] = []

    def noted(*given: Any, **named: Any) -> list[Prediction]:
        asked.append("at the end")
        return predict_feed(*given, **named)

    monkeypatch.setattr(adapt, "predict_feed", noted)
    made = settings(name, chosen, epochs=3, choose=choose)
    assert do(study, made, "once") == "done"
    assert asked == []
    monkeypatch.setattr(Task, "has_one_way", False)
    assert do(study, made, "again") == "done"
    assert asked == ["at the end"]
    once, again = (study / "trials" / id for id in ("once", "again"))
    for file in ("result.json", "predictions/validation.parquet"):
        wanted = (again / file).read_bytes().replace(b'"again"', b'"once"')
        assert (once / file).read_bytes() == wanted
