from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.reports.conftest import Seen, a_script, look
from tests.reports.fabricate import CONTENDERS, Plan

from tunewise.core.errors import DamagedFile, InputError
from tunewise.core.files import check_complete, mark_complete, read_json, write_json
from tunewise.reports.outputs import pdf
from tunewise.reports.outputs.paper import Paper
from tunewise.reports.outputs.submission import write_submission

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
    out = write_submission(small.folder, tmp_path / "out", script=a_script)
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert {
        "README.md",
        "lora_finetuning.py",
        "report.pdf",
        "requirements.txt",
        "results/study.yaml",
        "results/evaluation_results.json",
        "results/model_checkpoints/head/seed-0/trained.safetensors",
        "results/model_checkpoints/head/seed-1/trained.safetensors",
        "results/plots/differences.svg",
    } <= names
    assert not any("stray" in name for name in names)
    assert (out / "results" / "study.yaml").read_bytes() == (
        small.folder.path / "study.yaml"
    ).read_bytes()
    content = json.loads((out / "results" / "evaluation_results.json").read_text())
    assert len(content["contenders"]) == 3
    assert "No weights were kept of `majority`, `tfidf`." in (out / "README.md").read_text()


def test_the_readme_says_how_to_run_the_script(small: Seen, tmp_path: Path) -> None:
    out = write_submission(small.folder, tmp_path / "out", script=a_script)
    readme = (out / "README.md").read_text()
    assert "    python lora_finetuning.py\n" in readme
    assert "tunewise" not in readme.lower()


def test_what_has_no_script_leaves_nothing_behind(small: Seen, tmp_path: Path) -> None:
    def refuse(folder: Path) -> Path:
        raise InputError("no script is written for it")

    with pytest.raises(InputError, match="no script"):
        write_submission(small.folder, tmp_path / "out", script=refuse)
    assert not (tmp_path / "out").exists()


def test_weights_name_no_folder_of_this_machine(small: Seen, tmp_path: Path) -> None:
    head = next(c for c in small.evidence.contenders if c.name == "head")
    weights = small.folder.weights_folder(head.finished[0].record.id)
    write_json(weights / "base.json", {"source": "/home/ann/models/bert", "fingerprint": "0"})
    (weights / ".complete").unlink(missing_ok=True)
    mark_complete(weights)
    out = write_submission(small.folder, tmp_path / "out", script=a_script)
    copied = out / "results" / "model_checkpoints" / "head" / f"seed-{head.finished[0].seed}"
    assert read_json(copied / "base.json") == {"source": "bert", "fingerprint": "0"}
    check_complete(copied)


def test_title_and_author_stand_in_the_paper(
    small: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain: list[dict[str, Any]] = []

    def typeset(text: Paper, form: str) -> list[bytes]:
        plain.append(text.plain())
        return [b"%PDF"]

    monkeypatch.setattr(pdf, "typeset", typeset)
    pdf.write_paper(small.facts, tmp_path, title="Which adapter?", author="A. Student")
    pdf.write_paper(small.facts, tmp_path)
    assert (plain[0]["title"], plain[0]["author"]) == ("Which adapter?", "A. Student")
    assert plain[1]["author"] == "" and plain[1]["title"] != "Which adapter?"


def test_a_folder_that_holds_something_is_left_alone(small: Seen, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        write_submission(small.folder, tmp_path / "out", script=a_script)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_study_without_results_is_not_handed_in(tmp_path: Path) -> None:
    seen = look(tmp_path / "study", Plan(ran=False))
    with pytest.raises(InputError, match="no contender has a result yet"):
        write_submission(seen.folder, tmp_path / "out", script=a_script)
    assert not (tmp_path / "out").exists()


def test_damaged_weights_are_not_handed_in(small: Seen, tmp_path: Path) -> None:
    head = next(c for c in small.evidence.contenders if c.name == "head")
    weights = small.folder.weights_folder(head.finished[0].record.id)
    (weights / "trained.safetensors").write_bytes(b"x")
    with pytest.raises(DamagedFile, match="changed"):
        write_submission(small.folder, tmp_path / "out", script=a_script)


def test_hostile_names_stay_inside_the_folder(hostile: Seen, tmp_path: Path) -> None:
    for contender in hostile.evidence.contenders:
        for trial in contender.finished:
            weights = hostile.folder.weights_folder(trial.record.id)
            weights.mkdir(parents=True)
            (weights / "w.json").write_text("{}")
            mark_complete(weights)
    out = write_submission(hostile.folder, tmp_path / "deep" / "out", script=a_script)
    names = [path.name for path in (out / "results" / "model_checkpoints").iterdir()]
    assert len(names) == 5
    assert all(name.replace("-", "").replace(".", "").replace("_", "").isalnum() for name in names)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {
        path for path in out.rglob("*") if path.is_file()
    }
