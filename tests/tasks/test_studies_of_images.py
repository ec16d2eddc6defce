"""Whole studies of questions about images: features through kills, and every command after."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests import commands
from tests.commands import Run
from tests.proofs import proven_here

from tunewise.backbones import stored
from tunewise.backbones.encoders import ImageEncoder, TextEncoder
from tunewise.cli import export, modules, predict, sanity
from tunewise.core.cache import FOLDER as CACHE
from tunewise.core.errors import InputError
from tunewise.core.files import COMPLETE, FAIL_AT, is_complete
from tunewise.runner import run_job
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job
from tunewise.studies.jobs import next_jobs
from tunewise.studies.prepare import prepare, store
from tunewise.studyfile.studyfile import read_study

Checkpoint = Callable[[str], Path]


@pytest.fixture
def settings(data_folder: Path, image_encoder: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "name": "pictures",
        "task": {
            "kind": "visual-question-answering",
            "image": "image",
            "question": "question",
            "answer": "answer",
            "folder": "pictures",
        },
        "data": {"source": str(data_folder)},
        "models": [{"image": str(image_encoder), "text": str(checkpoint("bert"))}],
        "methods": ["nearest-neighbour", "fusion"],
        "training": {"epochs": 1, "batch_size": 8, "learning_rate": None},
        "keep": "all",
        "accept_leakage": "plain colours may repeat",
    }


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "SHARD", 5)


def new_study(settings: dict[str, Any], place: Path) -> StudyFolder:
    folder = StudyFolder.create(place)
    with folder.lock():
        store(prepare(read_study(settings)), folder)
    return folder


def features_job(folder: StudyFolder) -> Job:
    jobs = next_jobs(folder.study(), {}, {})
    return next(job for job in jobs if job.kind == "features")


def make(folder: StudyFolder, counted: Path, fail_at: int | None = None) -> None:
    """Be the process of the features; each batch that an encoder reads leaves a line."""
    torch.set_num_threads(1)
    if fail_at is not None:
        os.environ[FAIL_AT] = str(fail_at)
    for encoder in (ImageEncoder, TextEncoder):
        encoder.forward = message(encoder.forward, encoder.__name__, counted)  # type: ignore[method-assign]
    run_job(features_job(folder), folder.path, lambda: False)


def message(forward: Any, name: str, counted: Path) -> Any:
    def counting(self: Any, inputs: Any, *rest: Any, **more: Any) -> Any:
        with counted.open("a") as file:
            file.write(f"{name} {distinct(inputs)}\n")
        return forward(self, inputs, *rest, **more)

    return lambda self, *args, **named: (
        counting(self, *args, **named) if args else counting(self, named.pop("input_ids"), **named)
    )


def distinct(inputs: torch.Tensor) -> int:
    """Rows that are no copies: a batch of images is filled up with its last one."""
    return len(inputs.unique(dim=0)) if inputs.is_floating_point() else len(inputs)


def in_a_process(*arguments: Any) -> int | None:
    process = multiprocessing.get_context("fork").Process(target=make, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def contents(folder: StudyFolder) -> dict[str, bytes]:
    """Every stored row, by the place it lies in."""
    place = folder.path / "features"
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in sorted(place.rglob("*.safetensors"))
    }


def rows_read(counted: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in counted.read_text().splitlines():
        name, rows = line.split()
        found[name] = found.get(name, 0) + int(rows)
    return found


EACH_ONCE = {"ImageEncoder": 12, "TextEncoder": 24 + 12}  # validation shows images of train


def test_features_killed_at_random_and_restarted_are_the_same_bytes(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_shards: None
) -> None:
    """Between two steps of writing a kill loses the shard at hand and no other."""
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    undisturbed = new_study(settings, tmp_path / "undisturbed")
    assert in_a_process(undisturbed, tmp_path / "once") == 0
    assert rows_read(tmp_path / "once") == EACH_ONCE
    monkeypatch.setenv(CACHE, str(tmp_path / "other-cache"))
    killed, kills, lost = new_study(settings, tmp_path / "killed"), 0, 0
    while (code := in_a_process(killed, tmp_path / "many", random.randint(2, 14))) != 0:
        assert code == 137
        kills += 1
        assert kills < 100
    assert kills > 0
    assert contents(killed) == contents(undisturbed) != {}
    read = rows_read(tmp_path / "many")
    lost = sum(read.values()) - sum(EACH_ONCE.values())
    assert 0 <= lost <= 5 * kills  # never more than the shard that was being written


def test_a_second_study_computes_no_vector(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another study of the same data finds all in the cache: its training begins at once."""
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    first = new_study(settings, tmp_path / "first")
    assert in_a_process(first, tmp_path / "counted") == 0
    more = {"name": "second", "training": {"epochs": 2, "batch_size": 4, "learning_rate": None}}
    second = new_study({**settings, **more}, tmp_path / "second")
    began = time.monotonic()
    assert in_a_process(second, tmp_path / "counted") == 0
    assert time.monotonic() - began < 10  # a second or less; the bound is for a busy machine
    assert rows_read(tmp_path / "counted") == EACH_ONCE
    assert contents(second) == contents(first)


def test_images_that_another_study_had_are_not_read_again(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the vectors are those of a study that reads all of them, to the last bit."""
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    few = {**settings, "data": {**settings["data"], "limit": {"train": 9, "validation": 5}}}
    assert in_a_process(new_study(few, tmp_path / "few"), tmp_path / "counted") == 0
    some = rows_read(tmp_path / "counted")["ImageEncoder"]
    assert 0 < some < EACH_ONCE["ImageEncoder"]
    whole = new_study(settings, tmp_path / "whole")
    assert in_a_process(whole, tmp_path / "counted") == 0
    assert rows_read(tmp_path / "counted")["ImageEncoder"] == EACH_ONCE["ImageEncoder"]
    monkeypatch.setenv(CACHE, str(tmp_path / "other-cache"))
    fresh = new_study(settings, tmp_path / "fresh")
    assert in_a_process(fresh, tmp_path / "elsewhere") == 0
    assert contents(whole) == contents(fresh)


@pytest.fixture
def study_file(tmp_path: Path, settings: dict[str, Any]) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(json.dumps(settings))  # JSON is YAML
    return path


def launched(folder: Path) -> subprocess.Popen[str]:
    """The study in processes of its own, with a cache that nothing else has filled."""
    return commands.launched(
        *("run", "study.yaml", "--out", "killed"),
        cwd=folder,
        env=commands.environment(**{CACHE: str(folder / "cache-killed")}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def test_every_command_takes_the_study(
    study_file: Path, tunewise: Run, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = study_file.parent
    ran = tunewise("run", "study.yaml", "--out", "whole", cwd=place)
    assert ran.returncode == 0, ran.stderr
    for name in ("nearest-neighbour", "fusion"):
        answers = _answers(place / "whole", data_folder / "test.csv", name, capsys)
        to = place / f"exported-{name}"
        with proven_here():
            export.command(place / "whole", to, contender=name)
        assert json.loads((to / "proof.json").read_text())["passed"] is True
        assert _answers(to, data_folder / "test.csv", None, capsys) == answers
    _a_mistake_is_told(place / "whole", data_folder)


@pytest.mark.faults
def test_the_command_line_goes_on_after_a_kill(study_file: Path, tunewise: Run) -> None:
    place = study_file.parent
    killed = launched(place)
    features = place / "killed" / "features"
    while killed.poll() is None and not any(features.rglob("rows-*.safetensors")):
        time.sleep(0.005)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    again = launched(place)
    _, errors = again.communicate(timeout=300)
    assert again.returncode == 0, errors
    whole = tunewise("run", "study.yaml", "--out", "whole", cwd=place)
    assert whole.returncode == 0, whole.stderr
    studies = StudyFolder(place / "whole"), StudyFolder(place / "killed")
    assert contents(studies[0]) == contents(studies[1]) != {}
    results = [
        {path.parent.name: path.read_bytes() for path in folder.path.glob("trials/*/result.json")}
        for folder in studies
    ]
    assert results[0] == results[1] != {}


def _answers(folder: Path, file: Path, contender: str | None, capsys: Any) -> list[Any]:
    capsys.readouterr()
    predict.command(folder, input=file, contender=contender)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 12
    return [(row["id"], row["label"]) for row in rows]


def _a_mistake_is_told(folder: Path, data: Path) -> None:
    file = data / "asked.csv"
    file.write_text("image,question\nnone.png,what is it\npictures/test0.png,what is it\n")
    with pytest.raises(InputError, match=r"asked.csv:2 image.*none.png: no such image"):
        predict.command(folder, input=file, contender="fusion")
    (data / "pictures" / "test0.png").write_bytes(b"cut")
    file.write_text("image,question\npictures/test0.png,what is it\n")
    with pytest.raises(InputError, match=r"pictures/test0.png: is no image"):
        predict.command(folder, input=file, contender="fusion")
    with pytest.raises(InputError, match="this study reads images"):
        predict.command(folder, text=["what is it"], contender="fusion")


def test_a_marker_stands_where_the_features_are_whole(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    folder = new_study(settings, tmp_path / "one")
    job = features_job(folder)
    run_job(job, folder.path, lambda: False)
    assert is_complete(folder.features_folder(job.id))
    assert len(list(folder.features_folder(job.id).rglob(COMPLETE))) == 5  # four parts, and all


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"task": {"kind": "classification", "text": "question", "label": "answer"}},
            r"models\[0\].*a pair of encoders, and the task classification reads no images",
        ),
        ({"models": ["bert"]}, r"models\[0\].*cannot be loaded as an encoder of images"),
        ({"methods": ["prefix"]}, "method prefix: is for one model, and here two encoders meet"),
        ({"methods": [{"peft": {"peft_type": "IA3"}}]}, "method peft: is for one model"),
        ({"task": {"labels": ["pink", "grey"]}}, "no row of train has one of these 2 answers"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(
    settings: dict[str, Any], checkpoint: Checkpoint, changes: dict[str, Any], message: str
) -> None:
    if changes.get("models") == ["bert"]:
        changes = {"models": [str(checkpoint("bert"))]}
    if "kind" not in changes.get("task", {"kind": ""}):
        changes = {"task": settings["task"] | changes["task"]}
    with pytest.raises(InputError, match=message):
        prepare(read_study(settings | changes))


def test_modules_lists_both_encoders(
    image_encoder: Path, checkpoint: Checkpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    modules.command(f"{image_encoder} + {checkpoint('bert')}", as_json=True)
    listed = json.loads(capsys.readouterr().out)["modules"]
    paths = [module["path"] for module in listed]
    assert "text.encoder.layer.*.attention.self.query" in paths
    assert any(path.startswith("head.") for path in paths)


def test_ten_questions_about_images_can_be_learned_by_heart(
    settings: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.yaml").write_text(
        json.dumps(settings | {"methods": ["fusion"], "training": {"learning_rate": 0.05}})
    )
    sanity.command(tmp_path / "study.yaml", [], out=tmp_path / "sanity")
    assert "100 % at epoch" in capsys.readouterr().out
