"""Trials of a real study that are trained together, killed, stopped and gone on with."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from tests.commands import Run, launched
from tests.training.test_ranks import assert_equal_but_for_noise

from tunewise.core.files import read_json
from tunewise.store.study import StudyFolder

pytestmark = pytest.mark.faults

STUDY = """
name: together
task: {kind: classification, text: text, label: label}
data: {source: embedded:reviews, limit: {train: 200, validation: 60, test: 60}}
models: [embedded:encoder]
methods: [{lora: {rank: 4}}, {lora: {rank: 8}}, tfidf]
training: {epochs: 4, dropout: 0, learning_rate: 1.0e-3}
seeds: [0, 1]
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_a_study_goes_on_to_what_its_trials_are_alone(
    tunewise: Run, tmp_path: Path, sent: signal.Signals
) -> None:
    (tmp_path / "study.yaml").write_text(STUDY)
    words = ("run", "study.yaml", "--workers", "1")
    cut = launched(*words, "--together", "4", "--out", "out", cwd=tmp_path)
    late = time.monotonic() + 120
    while not list((tmp_path / "out").glob("trials/*/log.jsonl")) and time.monotonic() < late:
        time.sleep(0.05)
    time.sleep(1.0)
    os.killpg(cut.pid, sent)
    assert cut.wait() != 0
    ended = tunewise(*words, "--together", "4", "--out", "out", cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    alone = tunewise(*words, "--out", "alone", cwd=tmp_path)
    assert alone.returncode == 0, alone.stdout + alone.stderr

    folders = [StudyFolder(tmp_path / name) for name in ("out", "alone")]
    ours, theirs = (folder.records() for folder in folders)
    assert ours.keys() == theirs.keys() and len(ours) == 5
    company = {record.id: record.costs.together for record in ours.values()}
    assert sorted(map(len, company.values())) == [0, 2, 2, 2, 2]
    assert not any(record.costs.together for record in theirs.values())
    both = tmp_path / "both"
    for parent in ("trials", "weights"):
        (both / parent).mkdir(parents=True)
        for folder, mark in zip(folders, ("", "-alone"), strict=True):
            for id in ours:
                (both / parent / f"{id}{mark}").symlink_to(folder.path / parent / id)
    for id, names in company.items():
        if names:
            assert_equal_but_for_noise(both, f"{id}-alone", id)
        tests = [read_json(folder.path / "tests" / id / "result.json") for folder in folders]
        for metric, value in tests[0]["metrics"]["test"].items():
            assert value == pytest.approx(tests[1]["metrics"]["test"][metric], abs=1e-5)


def test_what_can_not_be_trained_together_is_told(tunewise: Run, tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY.replace("dropout: 0,", ""))
    words = ("run", "study.yaml", "--together", "2")
    refused = tunewise(*words, "--budget", "10min", cwd=tmp_path)
    assert refused.returncode == 2
    assert "--together = 2" in refused.stderr or "a budget counts" in refused.stderr
    told = tunewise(*words, "--set", "methods=[tfidf]", "--set", "models=[]", cwd=tmp_path)
    assert "--together 2 changes nothing here" in told.stdout + told.stderr
