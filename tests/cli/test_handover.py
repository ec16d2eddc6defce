"""Comparing, reporting and handing in a study that was really run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.commands import Run

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


def test_a_submission_resolves_to_the_trials_of_the_study(
    finished: Path, place: Path, tmp_path: Path, tunewise: Run
) -> None:
    pytest.importorskip("typst")
    words = ("report", "runs/small", "--layout", "submission", "--out", str(tmp_path / "out"))
    ran = tunewise(*words, cwd=place)
    assert ran.returncode == 0, ran.stderr
    shutil.copytree(place / "data", tmp_path / "out" / "data")  # paths start at the study file
    model = Path(StudyResults(finished).folder.study().contenders[-1].model or "")
    shutil.copytree(model, tmp_path / "out" / model.name)
    again = Study.read(tmp_path / "out" / "study.yaml").prepare().study
    before = StudyResults(finished).folder.study()
    for ours, theirs in zip(again.contenders, before.contenders, strict=True):
        points = [[point.identity for point in row.points] for row in (ours, theirs)]
        assert json.loads(json.dumps(points[0])) == points[1]
    checkpoints = tmp_path / "out" / "results" / "model_checkpoints"
    assert (checkpoints / "lora" / "seed-1" / "adapter_model.safetensors").is_file()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
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
