"""Whatever stops a launcher, the same command goes on and ends with the same table."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.faults.conftest import LAUNCH

from tunewise.core.files import FAIL_AT
from tunewise.store.log import read_log

SLOW: dict[str, Any] = {"seconds": 0.15, "steps": 5, "features": "ff"}
END = 30  # seconds after which something hangs


def study(new: Callable[[str], Any], name: str, toy: dict[str, Any] = SLOW) -> Any:
    return new(name).write({**toy, "features": None}, toy, toy, points=2, seeds=2)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + END
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def started(toy: Any, jobs: int = 1) -> Callable[[], bool]:
    """Whether that many processes of jobs have begun."""
    place = toy.folder.path / "data" / "runs.txt"
    return lambda: place.is_file() and len(toy.ran()) >= jobs


def alive(study: Path) -> list[int]:
    """The processes of every launch of a study: the launchers, their workers and the trials."""
    mark = f"{LAUNCH}={study}".encode()
    found = []
    for place in Path("/proc").iterdir():
        try:
            if place.name.isdigit() and mark in (place / "environ").read_bytes().split(b"\0"):
                found.append(int(place.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def test_killing_everything_at_random_times_changes_no_byte(new_study: Any) -> None:
    undisturbed = study(new_study, "undisturbed")
    undisturbed.run()
    killed = study(new_study, "killed")
    for _ in range(5):
        launcher = killed.launch()
        time.sleep(random.uniform(0.1, 0.9))
        os.killpg(launcher.pid, signal.SIGKILL)
        launcher.wait(END)
    assert killed.run().exit_code == 0
    assert killed.table() == undisturbed.table()
    assert killed.folder.faults() == []


def test_no_trial_runs_again_once_it_is_finished(new_study: Any) -> None:
    toy = study(new_study, "one")
    finished: dict[str, float] = {}
    for _ in range(4):
        launcher = toy.launch()
        time.sleep(random.uniform(0.2, 0.7))
        os.killpg(launcher.pid, signal.SIGKILL)
        launcher.wait(END)
        wait_for(lambda: not alive(toy.folder.path))
        for id, record in toy.folder.records().items():
            written = (record.folder / "COMPLETE.json").stat().st_mtime_ns
            assert finished.setdefault(id, written) == written


@pytest.mark.parametrize("stride", [7, pytest.param(1, marks=pytest.mark.faults)])
def test_the_launcher_may_die_at_every_step_of_writing(new_study: Any, stride: int) -> None:
    toys: list[dict[str, Any]] = [{"points": 2}, {"fault": "error"}]
    undisturbed = new_study("undisturbed").write(*toys)
    undisturbed.run()
    step, ended = 0, 137
    while ended == 137:
        step += stride
        toy = new_study(f"step{step}").write(*toys)
        ended = toy.launch(**{FAIL_AT: str(step)}).wait(END)
        toy.run()
        assert toy.table() == undisturbed.table(), f"died at step {step}"
        assert toy.folder.faults() == []
    assert step > 15


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_trials_at_a_checkpoint_and_the_study_goes_on(
    new_study: Any, number: signal.Signals
) -> None:
    undisturbed = study(new_study, "undisturbed")
    undisturbed.run()
    toy = study(new_study, "stopped")
    launcher = toy.launch()
    wait_for(started(toy, 3))
    os.killpg(launcher.pid, number)
    message, _ = launcher.communicate(timeout=END)
    assert launcher.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    assert "notice Stopping" in message
    assert not alive(toy.folder.path)
    assert toy.run().exit_code == 0
    assert toy.table() == undisturbed.table()


def test_a_trial_deaf_to_the_first_ctrl_c_ends_with_the_second(toy: Any) -> None:
    toy.write({"fault": "hang"})
    launcher = toy.launch()
    wait_for(started(toy))
    os.killpg(launcher.pid, signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        launcher.wait(0.5)
    os.killpg(launcher.pid, signal.SIGINT)
    assert launcher.wait(END) == 130
    wait_for(lambda: not alive(toy.folder.path))
    assert toy.folder.records() == {}


def test_trials_end_when_their_launcher_alone_is_killed(toy: Any) -> None:
    toy.write({"fault": "hang"}, {"fault": "hang"})
    launcher = toy.launch()
    wait_for(started(toy, 2))
    launcher.kill()
    wait_for(lambda: not alive(toy.folder.path))


def test_trials_end_when_the_worker_is_killed_and_another_takes_over(toy: Any) -> None:
    toy.write({"seconds": 0.5, "steps": 5}, {"seconds": 0.5, "steps": 5})
    launcher = toy.launch()
    wait_for(started(toy, 2))
    [worker] = [
        pid
        for pid in alive(toy.folder.path)
        if Path(f"/proc/{pid}/stat").read_text().split()[3] == str(launcher.pid)
    ]
    os.kill(worker, signal.SIGKILL)
    message, _ = launcher.communicate(timeout=END)
    assert "ended by SIGKILL. Another one takes over" in message
    assert launcher.returncode == 0
    assert toy.statuses() == ["done", "done"]


def test_the_second_of_two_launchers_stops_and_says_who_runs(toy: Any) -> None:
    toy.write({"until": "told"})
    first = toy.launch()
    wait_for(started(toy))
    second = toy.launch()
    _, message = second.communicate(timeout=END)
    assert second.returncode == 2
    assert f"is already being run by process {first.pid} on" in message
    (toy.folder.path / "told").touch()
    assert first.wait(END) == 0
    assert len(toy.ran()) == 2


def test_a_stopped_trial_goes_on_from_its_checkpoint(toy: Any) -> None:
    toy.write({"seconds": 2.0, "steps": 20})
    launcher = toy.launch()
    log = toy.folder.path / "trials"
    wait_for(lambda: any(len(p.read_bytes().splitlines()) > 5 for p in log.glob("*/log.jsonl")))
    launcher.send_signal(signal.SIGTERM)
    assert launcher.wait(END) == 143
    [checkpoint] = (toy.folder.path / "weights").glob("*/checkpoint/state.json")
    assert int(checkpoint.read_text().split(":")[1].strip(" }\n")) > 4
    toy.run()
    [trial] = toy.folder.records().values()
    assert [event["step"] for event in read_log(trial.folder / "log.jsonl")[1:-1]] == list(
        range(1, 21)
    )


def test_a_trial_may_die_at_every_step_of_its_writing(toy: Any) -> None:
    toy.write(*({"steps": 1, "die_at": step, "once": True} for step in range(1, 30)))
    assert toy.run().exit_code == 0
    assert toy.folder.faults() == []
    ran = toy.ran()
    twice = [key for key in set(ran) if ran.count(key) == 2]
    assert 15 < len(twice) < 29


def test_these_tests_would_notice_a_trial_that_resumes_wrongly(new_study: Any) -> None:
    undisturbed = new_study("undisturbed").write({"seconds": 1.0, "forgetful": True})
    undisturbed.run()
    toy = new_study("stopped").write({"seconds": 1.0, "forgetful": True})
    launcher = toy.launch()
    wait_for(lambda: any((toy.folder.path / "weights").glob("*/checkpoint/state.json")))
    launcher.send_signal(signal.SIGTERM)
    launcher.wait(END)
    toy.run()
    assert toy.table() != undisturbed.table()
