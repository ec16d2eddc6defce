"""Scripts and submissions where they are used: with real models, and without Tunewise."""

from __future__ import annotations

import json
import os
import subprocess
import venv
from pathlib import Path
from typing import Any

import pytest
from tests.export.test_script import same

from tunewise.api import Study
from tunewise.cli.scripts import write_script_of
from tunewise.reports.outputs.submission import write_submission
from tunewise.results import StudyResults
from tunewise.trained import choose
from tunewise.training.assembly import Parts

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = REPOSITORY / "models"
SQUAD = {
    "validation": "squadshifts_new_wiki.jsonl",
    "train": "train_subset.jsonl",
    "test": "dev.jsonl",
}


def model(name: str) -> str:
    if not (path := MODELS / name).is_dir():
        pytest.skip(f"no {path}: make models")
    return str(path)


def sentiment(data: Path, **sizes: int) -> dict[str, Any]:
    """SST-5 with MiniLM and LoRA, without dropout."""
    return {
        "name": "sst5",
        "task": {"kind": "classification", "text": "text", "label": "label"},
        "data": {"source": str(data / "sst5"), "limit": sizes},
        "models": [model("all-minilm-l6-v2")],
        "methods": ["lora"],
        "training": {"epochs": 2, "batch_size": 8, "dropout": 0, "learning_rate": 1e-3},
        "seeds": [0],
    }


def answers(data: Path, **sizes: int) -> dict[str, Any]:
    """SQuAD with SmolLM2 and LoRA, in few tokens."""
    return {
        "name": "squad",
        "task": {"kind": "question-answering", "max_new_tokens": 8},
        "data": {"source": str(data / "squad"), "files": SQUAD, "limit": sizes},
        "models": [model("smollm2-135m-instruct")],
        "methods": ["lora"],
        "training": {
            "epochs": 2,
            "batch_size": 2,
            "max_length": 160,
            "dropout": 0,
            "learning_rate": 1e-3,  # given, so that no search trains it five times more
        },
        "seeds": [0],
    }


def finished(study: Any, folder: Path) -> StudyResults:
    return Study.read(study).run(folder, workers=1)


def trial_of(study: StudyResults) -> tuple[Parts, str]:
    chosen = choose(study, "lora", weights=False)
    return Parts.of(chosen.settings, study.folder.path), chosen.record.id


def test_the_script_of_minilm_on_sst5_gives_its_losses_and_answers(
    real_data: Path, tmp_path: Path
) -> None:
    study = finished(sentiment(real_data, train=400, validation=200, test=50), tmp_path / "study")
    same(*trial_of(study), tmp_path / "script", steps=100)


def test_the_script_of_smollm2_on_squad_gives_its_losses_and_answers(
    real_data: Path, tmp_path: Path
) -> None:
    study = finished(answers(real_data, train=50, validation=16, test=4), tmp_path / "study")
    same(*trial_of(study), tmp_path / "script", steps=50)


def offline(data: Path) -> Any:
    """The recipe for answers that are written, on some of its rows."""
    return Study.read(
        REPOSITORY / "recipes" / "squad-offline.yaml",
        [
            "data={source: embedded:spans, limit: {train: 200, validation: 40, test: 60}}",
            "methods=[{lora: {rank: 8, alpha: 32, targets: [attention, mlp]}}]",
            "search={learning_rate: {lora: [3e-3]}}",
        ],
    )


@pytest.mark.parametrize("kind", ["answers", "classes"])
def test_a_submission_gives_its_figures_in_an_empty_environment(
    real_data: Path, tmp_path: Path, kind: str
) -> None:
    """Its own requirements are installed, its README is followed, and nothing else is there."""
    read = offline(real_data) if kind == "answers" else None
    study = read or Study.read(sentiment(real_data, train=200, validation=100, test=200))
    results = study.run(tmp_path / "study", workers=1)
    there = write_submission(
        results.folder,
        tmp_path / "handed-in",
        script=lambda to: write_script_of(results, "lora", to, copy_models=True)[0],
    ).rename(tmp_path / "elsewhere")
    readme = (there / "README.md").read_text(encoding="utf-8").splitlines()
    install, run, help_ = (line.split() for line in readme if line.startswith("    p"))
    venv.create(tmp_path / "empty", with_pip=True)
    python = str(tmp_path / "empty" / "bin" / "python")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    alone = kept | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    for words in (["-m", *install], help_[1:], run[1:]):
        ended = subprocess.run(
            [python, *words], cwd=there, env=alone, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
    nothing = subprocess.run([python, "-c", "import tunewise"], cwd=there, env=alone, check=False)
    assert nothing.returncode != 0
    written = json.loads((there / "output" / "evaluation_results.json").read_text())
    reported = json.loads((there / "results" / "evaluation_results.json").read_text())
    (row,) = (one for one in reported["contenders"] if one["name"] == "lora")
    for split in ("validation", "test"):
        for metric, found in row[split].items():
            assert written[split][metric] == pytest.approx(found["values"][0], abs=1e-4), metric
