"""Where the seconds of a launch go, by a clock that the test sets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tunewise.cli.timing import lines
from tunewise.store.study import StudyFolder
from tunewise.store.timing import TIMING, add_timing, read_timing
from tunewise.store.trial_records import Job, TrialCosts, TrialResult
from tunewise.store.trials import TrialRecord
from tunewise.studies.events import Finished, Started, Stopped, Tick
from tunewise.studies.watching import timing as watching
from tunewise.studies.watching.timing import Timing, program_seconds
from tunewise.training.log import TrialLog


class Now:
    """A clock that stands still until it is moved."""

    seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    clock = Now()
    monkeypatch.setattr(watching, "time", clock)
    return clock


def ended(job: Job, **seconds: float) -> Finished:
    record = TrialRecord(job.id, "done", TrialResult(job.id), TrialCosts(), Path(job.id))
    costs = TrialCosts(seconds={**seconds, "total": sum(seconds.values())})
    return Finished(job, replace(record, costs=costs), 0.0)


def job(kind: str, id: str) -> Job:
    return Job.from_json({"kind": kind, "id": id, "settings": {}})


def test_every_second_of_clock_and_workers_has_a_part(now: Now, tmp_path: Path) -> None:
    timing = Timing(before=2.0)
    now.seconds += 1
    timing.begin("preparing")
    now.seconds += 4
    timing.watch(StudyFolder(tmp_path), workers=2)
    first, second, test = job("trial", "a"), job("trial", "b"), job("test", "a")
    for one in (first, second):
        timing.hear(Started(one))
    now.seconds += 3
    TrialLog(tmp_path / "trials" / "a" / "log.jsonl").write("step", step=1)
    timing.hear(Tick())
    now.seconds += 7
    timing.hear(ended(first, load=1.0, train=6.0, evaluate=2.0))
    now.seconds += 2
    timing.hear(Stopped(second))
    timing.hear(Started(test))
    now.seconds += 1
    timing.hear(ended(test, evaluate=1.0))
    timing.begin("report")
    now.seconds += 5
    times = timing.times()
    assert times.seconds == {
        "start": 3.0,
        "preparing": 4.0,
        watching.JOBS: 13.0,
        "report": 5.0,
    }
    assert times.jobs == {
        "load": 1.0,
        "train": 6.0,
        "evaluate": 2.0,
        "processes": 1.0,
        "stopped": 12.0,
        "test": 1.0,
        "idle": 3.0,  # of twice 13 s: the first worker had one job of 10 s and one of 1
    }
    assert times.first_step == 2.0 + 1 + 4 + 3
    assert times.jobs_run == 2


def test_what_an_earlier_launch_or_rung_took_is_not_counted_again(now: Now, tmp_path: Path) -> None:
    timing = Timing()
    timing.watch(StudyFolder(tmp_path), workers=1)
    for id, train in (("a@20", 3.0), ("a", 5.0)):
        timing.hear(Started(job("trial", id)))
        now.seconds += 3
        timing.hear(ended(job("trial", id), train=train))
    assert timing.times().jobs == {"train": 5.0, "processes": 1.0, "idle": 0.0}


def test_a_trial_that_goes_on_counts_no_more_than_it_took_here(now: Now, tmp_path: Path) -> None:
    timing = Timing()
    timing.watch(StudyFolder(tmp_path), workers=1)
    timing.hear(Started(job("trial", "a")))
    now.seconds += 2
    timing.hear(ended(job("trial", "a"), train=6.0, evaluate=2.0))  # from a checkpoint of before
    assert timing.times().jobs == {"train": 1.5, "evaluate": 0.5, "processes": 0.0, "idle": 0.0}


def test_each_launch_is_kept_and_shown(now: Now, tmp_path: Path) -> None:
    timing = Timing(before=1.0)
    timing.watch(StudyFolder(tmp_path), workers=1)
    timing.hear(Started(job("features", "f")))
    now.seconds += 3
    timing.hear(Finished(job("features", "f"), None, 3.0))
    for _ in range(2):
        add_timing(tmp_path, timing.times())
    assert read_timing(tmp_path) == [timing.times()] * 2
    shown = "\n".join(lines(timing.times()))
    for line in (
        "start                     1.0 s      25 %",
        "  features                3.0 s     100 %",
    ):
        assert line in shown
    assert "1 job of 1 worker" in shown
    (tmp_path / TIMING).write_text(json.dumps({"launches": [{"workers": "x"}]}))
    assert read_timing(tmp_path) == []


def test_a_program_has_run_since_it_began() -> None:
    earlier = program_seconds()
    assert 0 < earlier <= program_seconds()
