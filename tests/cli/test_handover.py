"""Comparing, reporting and handing in a study that was really run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.commands import Run, environment

from tunewise.api import Study
from tunewise.results import StudyResults


def test_two_contenders_are_compared_in_every_form(
    finished: Path, place: Path, tunewise: Run
) -> None:
    ran = tunewise("compare", "runs/small", "lora", "full", cwd=place)
    assert ran.returncode == 0, ran.stderr
    assert max(map(len, ran.stdout.splitlines())) <= 80
    ran = tunewise("compare", "runs/small", "lora", "full", "--format", "json", cwd=place)
    assert json.loads(ran.stdout)["items"] == 60
    ran = tunewise("compare", "runs/small", "lora", "ful", cwd=place)
    assert ran.returncode == 2 and "Did you mean 'full'" in ran.stderr
    assert tunewise("compare", "runs/smal", "a", "b", cwd=place).returncode == 2


@pytest.fixture(scope="module")
def handed_in(
    finished: Path, place: Path, tmp_path_factory: pytest.TempPathFactory, tunewise: Run
) -> Path:
    """A submission of the study with the script of LoRA; tests work on copies."""
    pytest.importorskip("typst")
    out = tmp_path_factory.mktemp("submission") / "out"
    words = ("report", "runs/small", "--layout", "submission", "--out", str(out))
    ran = tunewise(*words, "--contender", "lora", "--author", "A. Student", cwd=place)
    assert ran.returncode == 0, ran.stderr
    return out


def test_a_submission_resolves_to_the_trials_of_the_study(
    handed_in: Path, finished: Path, place: Path, tmp_path: Path
) -> None:
    results = shutil.copytree(handed_in, tmp_path / "out") / "results"
    shutil.copytree(place / "data", results / "data")  # paths start at the study file
    model = Path(StudyResults(finished).folder.study().contenders[-1].model or "")
    shutil.copytree(model, results / model.name)
    again = Study.read(results / "study.yaml").prepare().study
    before = StudyResults(finished).folder.study()
    for ours, theirs in zip(again.contenders, before.contenders, strict=True):
        points = [[point.identity for point in row.points] for row in (ours, theirs)]
        assert json.loads(json.dumps(points[0])) == points[1]
    checkpoints = results / "model_checkpoints"
    assert (checkpoints / "lora" / "seed-1" / "adapter_model.safetensors").is_file()


def test_a_submission_runs_where_there_is_no_tunewise(handed_in: Path, tmp_path: Path) -> None:
    """Moved elsewhere, its script trains, evaluates and saves with the usual libraries alone."""
    there = shutil.copytree(handed_in, tmp_path / "elsewhere")
    read = [path for path in there.rglob("*") if path.suffix in (".py", ".md", ".txt", ".json")]
    machine = str(tmp_path.parent).encode()
    assert [path for path in read if machine in path.read_bytes()] == []
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "tunewise.py").write_text("raise ImportError('it is not installed')")
    ran = subprocess.run(
        [sys.executable, "lora_classification_finetuning.py", "--epochs", "1", "--limit", "20"],
        cwd=there,
        env=environment(PYTHONPATH=str(tmp_path / "blocked")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "(the trial: " in ran.stdout
    assert (there / "output" / "model" / "adapter_model.safetensors").is_file()
    results = json.loads((there / "output" / "evaluation_results.json").read_text())
    assert set(results["test"]) == {"accuracy", "f1_macro", "loss"}
    assert not any(line.startswith("tunewise") for line in requirements(there))


def requirements(folder: Path) -> list[str]:
    return (folder / "requirements.txt").read_text().splitlines()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--format", "tex", "--author", "me"), "of the paper"),
        (("--contender", "lora"), "of --layout submission"),
        (("--format", "pfd"), "Did you mean 'pdf'"),
        (("--layout", "submission"), "needs --out"),
        (("--layout", "submission", "--out", "."), "not empty"),
    ],
)
def test_wrong_wishes_for_a_report_are_answered(
    finished: Path, place: Path, tunewise: Run, words: tuple[str, ...], expected: str
) -> None:
    ran = tunewise("report", "runs/small", *words, cwd=place)
    assert ran.returncode == 2 and expected in " ".join(ran.stderr.split())
    assert "Traceback" not in ran.stderr
