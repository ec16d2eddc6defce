"""A training of open length goes on while validation loss falls, also across interruptions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunewise import Study
from tunewise.runner import run_job
from tunewise.store.study import StudyFolder
from tunewise.studies.jobs import next_jobs
from tunewise.studies.prepare import prepare, store

STUDY: dict[str, Any] = {
    "name": "open",
    "task": {"kind": "classification", "text": "text", "label": "label"},
    "data": {"source": "embedded:reviews", "limit": 60},
    "models": ["embedded:encoder"],
    "methods": ["head"],
    "training": {"epochs": "auto", "learning_rate": 0.02, "batch_size": 8, "max_length": 16},
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("open") / "study"
    Study.read(STUDY).run(folder)
    return folder


def result(folder: Path) -> bytes:
    (path,) = folder.glob("trials/*/result.json")
    return path.read_bytes()


def test_it_says_what_ended_it_and_decays_to_its_end(ended: Path) -> None:
    found = json.loads(result(ended))
    assert found["ended"] == "patience"
    (log,) = ended.glob("trials/*/log.jsonl")
    steps = [json.loads(line) for line in log.read_text().splitlines()]
    rates = [step["learning_rate"] for step in steps if step["event"] == "step"]
    assert len(rates) == found["steps"]
    assert max(rates) == 0.02
    assert rates[-1] < 0.2 * max(rates)
    kept = [epoch for epoch in found["epochs"] if epoch.get("kept")]
    assert kept[0]["epoch"] == 1
    assert kept[-1]["epoch"] == found["best_epoch"]
    assert kept[-1]["validation"] == found["metrics"]["validation"]


def test_interrupted_after_every_few_steps_it_ends_the_same(ended: Path, tmp_path: Path) -> None:
    folder = StudyFolder.create(tmp_path / "again")
    with folder.lock():
        store(prepare(Study.read(STUDY).settings), folder)
    (features,) = next_jobs(folder.study(), {}, {})
    run_job(features, folder.path, lambda: False)
    (job,) = next_jobs(folder.study(), {}, {}, folder.features())
    stops = 0
    while True:
        asked = iter(range(6))
        if run_job(job, folder.path, lambda asked=asked: next(asked, None) is None) == "done":  # type: ignore[misc]  # bound now
            break
        stops += 1
    assert stops > 3
    assert result(folder.path) == result(ended)
