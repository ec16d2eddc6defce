"""Trackers that follow a running study: nothing twice, and nothing that stops the study."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.reports.fabricate import fabricate
from tests.trackers.test_trackers import PLAN, READ_MLFLOW, needs, read_back

from tunewise.api import _followed
from tunewise.core.errors import TunewiseError
from tunewise.core.files import read_json
from tunewise.store.records import TrialSettings
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job
from tunewise.studies.events import Event, Finished, Notice, Tick
from tunewise.trackers import follow, send
from tunewise.trackers.follow import Follower
from tunewise.trackers.process import as_text
from tunewise.trackers.runs import runs_of
from tunewise.trackers.send import track

FINISHED = Finished(Job("trial", "a", TrialSettings()), None, 1.0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudyFolder:
    monkeypatch.setattr(follow, "FRACTION", 1e9)  # no rest between two copies
    return StudyFolder.open(fabricate(tmp_path / "study", PLAN))


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def sent(folder: StudyFolder, name: str) -> set[str]:
    path = folder.path / "trackers" / name / send.SENT
    return set(read_json(path)) if path.is_file() else set()


@needs("mlflow")
def test_trials_reach_mlflow_as_they_finish_and_stand_there_once(folder: StudyFolder) -> None:
    everything = {run.id for run in runs_of(folder)}
    later = sorted(everything)[3:]
    aside = folder.path / "aside"
    aside.mkdir()
    for id in later:
        folder.trial_folder(id).rename(aside / id)
    with Follower(folder.path, ["mlflow"]) as follower:
        follower.wake()
        until(lambda: sent(folder, "mlflow") == everything - set(later))
        for id in later:
            (aside / id).rename(folder.trial_folder(id))
        follower.wake()
        until(lambda: sent(folder, "mlflow") == everything)
    assert follower.notes() == []
    done = track(folder, "mlflow")
    assert done.runs == 0
    rows = read_back("mlflow", done.place, READ_MLFLOW)
    assert Counter(run["tags"]["tunewise.trial"] for run in rows) == Counter(everything)


@needs("mlflow")
def test_a_copy_that_was_killed_before_it_was_noted_leaves_no_double(folder: StudyFolder) -> None:
    place = folder.path.resolve() / "trackers" / "mlflow"
    place.mkdir(parents=True)
    runs = runs_of(folder)
    send._write("mlflow", place, as_text("rooms", runs[:4]), 60.0)
    assert track(folder, "mlflow").runs == len(runs)
    rows = read_back("mlflow", place, READ_MLFLOW)
    assert Counter(run["tags"]["tunewise.trial"] for run in rows) == Counter(r.id for r in runs)


@needs("tensorboard")
def test_a_library_that_takes_too_long_is_ended_and_can_be_asked_again(
    folder: StudyFolder,
) -> None:
    with pytest.raises(TunewiseError, match=r"did not take in the study within 0\.01 s"):
        track(folder, "tensorboard", seconds=0.01)
    done = track(folder, "tensorboard")
    assert done.runs == len(runs_of(folder))
    for run in runs_of(folder):
        [place] = done.place.glob(f"*/*-{run.id}")
        assert len(list(place.glob("events.*"))) == 1


def test_a_tracker_that_fails_is_reported_once_and_the_others_go_on(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()

    def fails(folder: StudyFolder, name: str, *, seconds: float) -> None:
        asked[name] += 1
        if name == "mlflow":
            raise RuntimeError("no such table")

    monkeypatch.setattr(follow, "track", fails)
    with Follower(folder.path, ["mlflow", "tensorboard"]) as follower:
        follower.wake()
        until(lambda: asked["tensorboard"] == 1)
        follower.wake()
        until(lambda: asked["tensorboard"] == 2)
    assert asked["mlflow"] == 1
    [note] = follower.notes()
    assert note.startswith("mlflow follows the study no further")
    assert note.endswith("no such table")


def test_the_study_does_not_wait_for_a_slow_tracker(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(folder: StudyFolder, name: str, *, seconds: float) -> None:
        begun.set()
        assert go_on.wait(60)

    monkeypatch.setattr(follow, "track", slow)
    heard: list[Event] = []
    with Follower(folder.path, ["mlflow"]) as follower:
        hear = _followed(heard.append, follower)
        hear(FINISHED)
        assert begun.wait(60)
        hear(FINISHED)
        hear(Tick())  # the copy has not ended, and this returns
        go_on.set()
    assert heard == [FINISHED, FINISHED, Tick()]


def test_what_a_tracker_cannot_do_is_reported_to_whoever_watches(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(folder: StudyFolder, name: str, *, seconds: float) -> None:
        raise TunewiseError("disk full")

    monkeypatch.setattr(follow, "track", fails)
    heard: list[Event] = []
    with Follower(folder.path, ["mlflow"]) as follower:
        hear = _followed(heard.append, follower)
        hear(FINISHED)
        until(lambda: hear(Tick()) or any(isinstance(event, Notice) for event in heard))
    assert sum(isinstance(event, Notice) for event in heard) == 1


def test_a_study_without_trackers_starts_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    with Follower(tmp_path, []) as follower:
        follower.wake()
        assert threading.active_count() == before
