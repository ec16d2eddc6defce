"""No process of ours outlives its launcher, and a worker may die while it loads its libraries."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.faults.test_kills import END, alive, started, wait_for

DEAF = "30"  # seconds in which no thread of the worker can run: far more than a test waits
AT_ONCE = 1.0  # seconds; the tests allow for as many on a busy machine

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such signal")


def loading(toy: Any, tmp_path: Path, **more: str) -> tuple[Any, int]:
    """A launcher whose worker loads its libraries now, and the worker's process id."""
    once = tmp_path / "loads"
    message = once.with_suffix(".pid")
    environment = {"TOY_RUNNER": "slow_to_load", "SLOW_ONCE": str(once), "SLOW_SECONDS": DEAF}
    launcher = toy.launch(**environment | more)
    wait_for(lambda: message.is_file() and bool(message.read_text()))
    worker = int(message.read_text())
    message.unlink()
    return launcher, worker


def gone_after(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not running(pid):
            return True
        time.sleep(0.01)
    return False


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@linux
def test_a_worker_that_loads_its_libraries_ends_with_its_launcher(toy: Any, tmp_path: Path) -> None:
    toy.write({})
    launcher, worker = loading(toy, tmp_path)
    assert running(worker)
    launcher.kill()
    assert gone_after(worker, 2 * AT_ONCE)


@linux
def test_a_trial_that_keeps_pythons_lock_ends_with_its_launcher(toy: Any) -> None:
    toy.write({"fault": "deaf"}, {"fault": "deaf"})
    launcher = toy.launch()
    wait_for(started(toy, 2))
    time.sleep(0.3)  # for its fault to begin
    launcher.kill()
    deadline = time.monotonic() + 2 * AT_ONCE
    while alive(toy.folder.path) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert alive(toy.folder.path) == []


@linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_killed_while_it_loads_is_started_once_more(
    toy: Any, tmp_path: Path, number: signal.Signals
) -> None:
    toy.write({})
    launcher, worker = loading(toy, tmp_path)
    os.kill(worker, number)
    message, _ = launcher.communicate(timeout=END)
    notice = f"The worker process ended by {number.name}, while it loaded its libraries."
    assert f"{notice} Another one takes over." in message
    assert launcher.returncode == 0
    assert toy.statuses() == ["done"]


@linux
def test_a_worker_killed_twice_while_it_loads_ends_the_launch_in_one_sentence(
    toy: Any, tmp_path: Path
) -> None:
    toy.write({})
    launcher, worker = loading(toy, tmp_path, SLOW_AGAIN="yes")
    os.kill(worker, signal.SIGKILL)
    message = tmp_path / "loads.pid"
    wait_for(lambda: message.is_file() and bool(message.read_text()))
    os.kill(int(message.read_text()), signal.SIGKILL)
    _, complaint = launcher.communicate(timeout=END)
    assert launcher.returncode == 1
    assert complaint.strip() == (
        "The worker process ended by SIGKILL, while it loaded its libraries."
    )
    assert toy.run().exit_code == 0
