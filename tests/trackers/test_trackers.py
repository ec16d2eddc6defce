"""Studies in trackers, read back with each tracker's own reader."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.reports.fabricate import CONTENDERS, Plan, fabricate

from tunewise.core.errors import InputError, MissingExtra, TunewiseError
from tunewise.core.files import mark_complete
from tunewise.store.study import StudyFolder
from tunewise.studyfile.settings import Tracker
from tunewise.trackers import send
from tunewise.trackers.runs import Run, runs_of
from tunewise.trackers.send import LOOK, check_trackers, track

HOSTILE = "../<b>lora ü\n=1"
PLAN = Plan(
    contenders=(*CONTENDERS[:2], replace(CONTENDERS[3], name=HOSTILE), CONTENDERS[4]),
    seeds=(0, 1),
    test=60,
    validation=60,
    epochs=2,
)


def needs(package: str) -> pytest.MarkDecorator:
    lacks = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(lacks, reason=f"needs pip install 'tunewise[{package}]'")


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder.open(fabricate(tmp_path / "a study", PLAN))


def read_back(package: str, place: Path, code: str, **environment: str) -> Any:
    """What a tracker's own library reads, in a process of its own: its imports warn, and count
    as errors here."""
    ran = subprocess.run(
        [sys.executable, "-c", f"import json, sys\nplace = sys.argv[1]\n{code}", str(place)],
        env={**os.environ, **send.OFFLINE, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def the_run(folder: StudyFolder, contender: str = HOSTILE) -> Run:
    return next(run for run in runs_of(folder) if run.contender == contender and run.points)


def test_a_study_may_name_every_tracker() -> None:
    assert set(get_args(Tracker)) == set(LOOK)


def test_runs_hold_curves_settings_and_what_came_of_them(folder: StudyFolder) -> None:
    runs = runs_of(folder)
    assert len(runs) == 1 + 1 + 2 * (3 + 1)  # three points and a second seed
    run = the_run(folder)
    steps = [point for point in run.points if "train/loss" in point.values]
    assert steps[0].step == 9
    assert steps[0].seconds == pytest.approx(0.18)
    assert run.settings["training.learning_rate"] == 1e-4
    assert run.settings["seed"] == 0
    assert "final/validation_accuracy" in run.summary
    tested = [run for run in runs if "final/test_accuracy" in run.summary]
    assert len(tested) == 1 + 1 + 2 + 2
    assert [run.status for run in runs].count("diverged") == 1


def test_evaluations_become_metrics_of_their_step(tmp_path: Path) -> None:
    study = StudyFolder.open(fabricate(tmp_path / "s", PLAN))
    record = next(r for r in study.records().values() if r.result.epochs)
    event = {"event": "evaluation", "step": 63, "epoch": 1, "train_loss": 1.5, "seconds": 2.0}
    event |= {"validation": {"accuracy": 0.25, "loss": 1.25, "f1_macro": None}}
    with (record.folder / "log.jsonl").open("a") as log:
        log.write(json.dumps(event) + "\n")
    mark_complete(record.folder)
    [run] = [run for run in runs_of(study) if run.id == record.id]
    point = next(point for point in run.points if "train/epoch_loss" in point.values)
    assert point.values == {
        "train/epoch_loss": 1.5,
        "validation/accuracy": 0.25,
        "validation/loss": 1.25,
    }


def test_a_missing_package_is_asked_for_with_its_extra(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=re.escape("pip install 'tunewise[mlflow]'")):
        track(folder, "mlflow")
    assert not (folder.path / "trackers").exists()


def test_an_unknown_tracker_gets_the_nearest_name() -> None:
    with pytest.raises(InputError, match="Did you mean 'tensorboard'"):
        check_trackers(["tensorbord"])


def test_keys_and_servers_are_kept_from_the_trackers(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is asked for is a copy on this disk, whatever the environment points to."""
    given: dict[str, str] = {}

    def run(command: Any, **more: Any) -> subprocess.CompletedProcess[str]:
        given.update(more["env"])
        return subprocess.CompletedProcess(command, 1, "", "one\nthe last word")

    monkeypatch.setenv("WANDB_API_KEY", "secret")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://somewhere")
    monkeypatch.setattr(send, "require", lambda package, extra: None)
    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(TunewiseError, match="the last word"):
        track(folder, "wandb")
    assert not {"WANDB_API_KEY", "MLFLOW_TRACKING_URI"} & set(given)
    assert given["WANDB_MODE"] == "offline"
    assert not (folder.path / "trackers" / "wandb" / send.SENT).exists()


@needs("tensorboard")
def test_tensorboard_reads_every_scalar_at_its_step(folder: StudyFolder) -> None:
    sent = track(folder, "tensorboard")
    run = the_run(folder)
    [place] = sent.place.glob(f"*/*-{run.id}")
    assert place.resolve().is_relative_to(folder.path.resolve())
    found = read_back(
        "tensorboard",
        place,
        """
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(place)
events.Reload()
tags = events.Tags()["scalars"]
found = {tag: [[e.step, e.value, e.wall_time] for e in events.Scalars(tag)] for tag in tags}
plugins = events.summary_metadata
print(json.dumps({"scalars": found, "hparams": sorted(plugins)}))
""",
    )
    wanted = [
        [point.step, point.values["train/loss"], run.started + point.seconds]
        for point in run.points
        if "train/loss" in point.values
    ]
    assert len(wanted) == 14
    assert found["scalars"]["train/loss"] == [pytest.approx(row, rel=1e-6) for row in wanted]
    accuracy = run.summary["final/validation_accuracy"]
    assert found["scalars"]["final/validation_accuracy"][0][1] == pytest.approx(accuracy)
    assert "_hparams_/session_start_info" in found["hparams"]


READ_MLFLOW = """
from mlflow import MlflowClient
client = MlflowClient(f"sqlite:///{place}/mlflow.db")
[experiment] = [e for e in client.search_experiments() if e.name == "rooms"]
runs = client.search_runs([experiment.experiment_id])
def shown(run):
    history = client.get_metric_history(run.info.run_id, "train/loss")
    return {"name": run.info.run_name, "status": run.info.status, "tags": run.data.tags,
            "params": run.data.params, "metrics": run.data.metrics,
            "start": run.info.start_time, "end": run.info.end_time,
            "loss": [[m.step, m.value, m.timestamp] for m in history]}
print(json.dumps([shown(run) for run in runs]))
"""


@needs("mlflow")
def test_mlflow_reads_every_run_once_with_its_curve_and_tags(folder: StudyFolder) -> None:
    """Also after the tests were opened later: what changed takes the place of the old."""
    tests = folder.path / "tests"
    tests.rename(folder.path / "aside")
    assert (track(folder, "mlflow").runs, track(folder, "mlflow").runs) == (10, 0)
    (folder.path / "aside").rename(tests)
    sent = track(folder, "mlflow")
    assert sent.runs == 6  # those that were tested since
    rows = read_back("mlflow", sent.place, READ_MLFLOW)
    found = {run["tags"]["tunewise.trial"]: run for run in rows}
    assert sorted(found) == sorted(run.id for run in runs_of(folder))
    assert len(rows) == len(found)
    assert sum("final/test_accuracy" in run["metrics"] for run in rows) == 6
    run = the_run(folder)
    theirs = found[run.id]
    assert (theirs["name"], theirs["status"]) == (run.name, "FINISHED")
    assert theirs["params"]["training.learning_rate"] == "0.0001"
    assert theirs["metrics"]["final/validation_accuracy"] == pytest.approx(
        run.summary["final/validation_accuracy"]
    )
    wanted = [
        [p.step, p.values["train/loss"], round(1000 * (run.started + p.seconds))]
        for p in run.points
        if "train/loss" in p.values
    ]
    assert sorted(theirs["loss"]) == [pytest.approx(row) for row in wanted]
    assert theirs["end"] - theirs["start"] == pytest.approx(1000 * run.seconds, abs=2)
    failed = [row for row in found.values() if row["status"] == "FAILED"]
    assert [row["tags"]["tunewise.status"] for row in failed] == ["diverged"]


@needs("wandb")
def test_wandb_writes_offline_runs_that_hold_the_curves(folder: StudyFolder) -> None:
    sent = track(folder, "wandb")
    run = the_run(folder)
    [place] = sent.place.glob(f"wandb/offline-run-*-{run.id}/run-{run.id}.wandb")
    found = read_back(
        "wandb",
        place,
        """
from wandb.proto import wandb_internal_pb2

def records(content, block=32768):
    # LevelDB's log format, behind a header of seven bytes.
    at, parts = 7, b""
    while at + 7 <= len(content):
        if block - at % block < 7:
            at += block - at % block
            continue
        size, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        parts += content[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):
            yield parts
            parts = b""

history, summary = [], {}
for data in records(open(place, "rb").read()):
    record = wandb_internal_pb2.Record.FromString(data)
    if record.WhichOneof("record_type") == "history":
        items = record.history.item
        history.append({i.key or ".".join(i.nested_key): json.loads(i.value_json) for i in items})
    if record.WhichOneof("record_type") == "summary":
        for i in record.summary.update:
            summary[i.key or ".".join(i.nested_key)] = json.loads(i.value_json)
print(json.dumps([history, summary]))
""",
    )
    history, summary = found
    losses = [(row["_step"], row["train/loss"]) for row in history if "train/loss" in row]
    assert losses == [(p.step, pytest.approx(p.values["train/loss"])) for p in run.points]
    assert summary["final/validation_accuracy"] == pytest.approx(
        run.summary["final/validation_accuracy"]
    )


@needs("trackio")
def test_trackio_reads_the_curves_from_its_store(folder: StudyFolder) -> None:
    sent = track(folder, "trackio")
    run = the_run(folder)
    found = read_back(
        "trackio",
        sent.place,
        f"""
from trackio.sqlite_storage import SQLiteStorage
logs = SQLiteStorage.get_logs("rooms", {run.name!r}, run_id={run.id!r})
print(json.dumps([logs, len(SQLiteStorage.get_run_records("rooms"))]))
""",
        TRACKIO_DIR=str(sent.place),
    )
    logs, count = found
    assert count == 10
    losses = [(row["step"], row["train/loss"]) for row in logs if "train/loss" in row]
    assert losses == [(p.step, pytest.approx(p.values["train/loss"])) for p in run.points]
