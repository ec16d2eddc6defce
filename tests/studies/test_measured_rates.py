"""Learning rates that are measured change which trials exist, never what a trial gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import tunewise
from tunewise.store.identity import RUNG
from tunewise.store.study import StudyFolder

STUDY: dict[str, Any] = {
    "name": "rates",
    "task": {"kind": "classification", "text": "text", "label": "label"},
    "data": {"source": "embedded:reviews", "limit": 40},
    "models": ["embedded:encoder"],
    "methods": ["majority", "bitfit"],
    "training": {"learning_rate": "auto", "epochs": 36, "batch_size": 8, "max_length": 16},
    "seeds": [0, 1],
}


def results(folder: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in folder.glob("trials/*/result.json")}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rates") / "study"
    tunewise.run(STUDY, folder)
    return folder


def test_most_rates_stop_at_a_rung(searched: Path) -> None:
    found = results(searched)
    rungs = [int(id.partition(RUNG)[2]) for id in found if RUNG in id]
    assert sorted(set(rungs)) == [20, 60]
    assert rungs.count(60) == 2
    assert 5 <= rungs.count(20) <= 7
    assert len([id for id in found if RUNG not in id]) == 3  # majority, and one rate with two seeds
    kept = {path.name for path in (searched / "weights").iterdir() if path.is_dir()}
    assert kept == {id for id in found if RUNG not in id}


def test_the_survivor_is_the_same_trial_run_alone(searched: Path, tmp_path: Path) -> None:
    study = StudyFolder(searched).study()
    row = next(row for row in study.contenders if row.method == "bitfit")
    found = results(searched)
    whole = {
        record.result.settings.training["learning_rate"]
        for id, record in StudyFolder(searched).records().items()
        if RUNG not in id and record.result.epochs
    }
    (rate,) = whole
    assert row.rates is not None and row.rates.rungs == (20, 60)
    alone = STUDY | {"training": STUDY["training"] | {"learning_rate": rate}}
    tunewise.run(alone, tmp_path / "alone")
    once = results(tmp_path / "alone")
    assert once == {id: content for id, content in found.items() if RUNG not in id}


def test_it_ends_the_same_after_kills(searched: Path, tmp_path: Path) -> None:
    folder, file = tmp_path / "killed", tmp_path / "study.yaml"
    file.write_text((searched / "study.yaml").read_text())
    command = [sys.executable, "-m", "tunewise", "run", str(file), "--out", str(folder)]
    for _ in range(3):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        before = len(results(folder))
        until = time.monotonic() + 60
        while len(results(folder)) < before + 2 and time.monotonic() < until:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    tunewise.run(STUDY, folder)
    assert results(folder) == results(searched)
