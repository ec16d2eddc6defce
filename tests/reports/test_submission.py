from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.reports.conftest import Seen, look
from tests.reports.fabricate import CONTENDERS, Plan

from tunewise.core.errors import DamagedFile, InputError
from tunewise.core.files import mark_complete
from tunewise.reports.outputs.submission import requirements, script_name, write_submission

pytest.importorskip("typst")
SMALL = Plan(contenders=CONTENDERS[:3], seeds=(0, 1), test=60, validation=40, epochs=2)


@pytest.fixture
def small(tmp_path: Path) -> Seen:
    """A study that kept the weights of one contender and, beside them, a stray file."""
    seen = look(tmp_path / "study", SMALL)
    head = next(c for c in seen.evidence.contenders if c.name == "head")
    for trial in head.finished:
        weights = seen.folder.weights_folder(trial.record.id)
        weights.mkdir(parents=True)
        (weights / "trained.safetensors").write_bytes(bytes([trial.seed]))
        mark_complete(weights)
        (weights / ".stray.txt").write_text("not of the weights")
    return seen


def test_the_folder_has_the_parts_a_submission_needs(small: Seen, tmp_path: Path) -> None:
    out = write_submission(small.folder, tmp_path / "out")
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert {
        "README.md",
        "finetuning.py",
        "report.pdf",
        "requirements.txt",
        "study.yaml",
        "results/evaluation_results.json",
        "results/model_checkpoints/head/seed-0/trained.safetensors",
        "results/model_checkpoints/head/seed-1/trained.safetensors",
        "results/plots/differences.svg",
    } <= names
    assert not any("stray" in name for name in names)
    assert (out / "study.yaml").read_bytes() == (small.folder.path / "study.yaml").read_bytes()
    content = json.loads((out / "results" / "evaluation_results.json").read_text())
    assert len(content["contenders"]) == 3
    assert "No weights were kept of `majority`, `tfidf`." in (out / "README.md").read_text()


def test_the_script_is_python_and_named_by_the_task(small: Seen, tmp_path: Path) -> None:
    out = write_submission(small.folder, tmp_path / "out")
    compile((out / "finetuning.py").read_text(), "finetuning.py", "exec")
    study = replace(small.evidence.study, task={"kind": "question-answering"})
    assert script_name(replace(small.evidence, study=study)) == "lora_qa_finetuning.py"


def test_a_folder_that_holds_something_is_left_alone(small: Seen, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        write_submission(small.folder, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_study_without_results_is_not_handed_in(tmp_path: Path) -> None:
    seen = look(tmp_path / "study", Plan(ran=False))
    with pytest.raises(InputError, match="no contender has a result yet"):
        write_submission(seen.folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_damaged_weights_are_not_handed_in(small: Seen, tmp_path: Path) -> None:
    head = next(c for c in small.evidence.contenders if c.name == "head")
    weights = small.folder.weights_folder(head.finished[0].record.id)
    (weights / "trained.safetensors").write_bytes(b"x")
    with pytest.raises(DamagedFile, match="changed"):
        write_submission(small.folder, tmp_path / "out")


def test_hostile_names_stay_inside_the_folder(hostile: Seen, tmp_path: Path) -> None:
    for contender in hostile.evidence.contenders:
        for trial in contender.finished:
            weights = hostile.folder.weights_folder(trial.record.id)
            weights.mkdir(parents=True)
            (weights / "w.json").write_text("{}")
            mark_complete(weights)
    out = write_submission(hostile.folder, tmp_path / "deep" / "out")
    names = [path.name for path in (out / "results" / "model_checkpoints").iterdir()]
    assert len(names) == 5
    assert all(name.replace("-", "").replace(".", "").replace("_", "").isalnum() for name in names)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {
        path for path in out.rglob("*") if path.is_file()
    }


def test_requirements_take_no_version_that_is_none() -> None:
    text = requirements({"torch": "2.13.0", "peft": "1.0\n--index-url http://example.invalid"})
    assert text == "torch==2.13.0\n"
