"""The worker: what its children find, and what happens when it is the one that fails."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tunewise import worker
from tunewise.core import lifeline
from tunewise.core.errors import TunewiseError
from tunewise.studies.engines import pool as pools
from tunewise.studies.engines.base import Needs
from tunewise.studies.engines.gpus import Gpu
from tunewise.studies.engines.pool import Pool, usable_cores
from tunewise.studies.launch import run_jobs


def outputs(toy: Any) -> list[str]:
    return [path.read_text() for path in (toy.folder.path / "trials/.output").glob("trial-*")]


def test_a_trial_has_one_thread_no_input_and_a_session_of_its_own(toy: Any) -> None:
    toy.write({"fault": "tell"}).run(workers=len(usable_cores()))
    assert outputs(toy) == ["cores 1 threads 1\ninput b'' leader True\n"]


def test_trials_fewer_than_cores_are_placed_by_the_system(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunewise.studies.engines.pool.usable_cores", lambda: [0, 1, 2, 3])
    toy.write({"fault": "tell"}).run(workers=3)
    assert outputs(toy)[0].startswith(f"cores {len(usable_cores())} ")


def test_every_job_on_a_gpu_sees_one_alone(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "visible_gpus", lambda: (Gpu("GPU-1a"), Gpu("GPU-2b")))
    toy.write({"fault": "see", "seconds": 1.0}, {"fault": "see", "seconds": 1.0})
    with Pool("toy") as pool:
        assert pool.places() == 2
        toy.run_on(pool, needs=lambda job: Needs(gpus=1))
    assert sorted(outputs(toy)) == ["sees GPU-1a\n", "sees GPU-2b\n"]


def test_a_worker_that_cannot_import_its_runner_says_so(toy: Any) -> None:
    toy.write({})
    with pytest.raises(TunewiseError, match="No module named 'nowhere'"):
        toy.run(runner="nowhere")


def test_a_worker_that_keeps_dying_stops_the_study(toy: Any) -> None:
    toy.write({"fault": "orphan"})
    with pytest.raises(TunewiseError, match=r"died 4 times\. The worker process ended by SIGKILL"):
        toy.run()
    assert len(toy.notices) == 3


def test_a_study_needs_its_lock_and_a_worker(toy: Any) -> None:
    toy.write({}).run()
    with Pool("toy") as pool:
        with pytest.raises(ValueError, match="lock is held"):
            run_jobs(toy.folder, workers=1, engine=pool)
        with toy.folder.lock(), pytest.raises(ValueError, match="workers = 0"):
            run_jobs(toy.folder, workers=0, engine=pool)


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({}, "done"),
        ({"fault": "segfault"}, "failed"),
        ({"fault": "error"}, "failed"),
        ({"fault": "hang", "timeout": 0.5}, "timed-out"),
        ({"fault": "kill", "once": True}, "done"),
    ],
)
def test_where_forking_is_not_safe_jobs_start_afresh(
    toy: Any, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], status: str
) -> None:
    toy.write(settings)
    monkeypatch.setattr(sys, "platform", "darwin")
    toy.run()
    assert toy.statuses() == [status]


def test_a_trial_waits_for_the_process_of_an_earlier_launch(tmp_path: Path) -> None:
    stop = worker._Stop()
    with (tmp_path / "lock").open("a") as theirs, (tmp_path / "lock").open("a") as ours:
        fcntl.flock(theirs.fileno(), fcntl.LOCK_EX)
        assert not worker._locked(ours.fileno(), stop, 0.1)
        fcntl.flock(theirs.fileno(), fcntl.LOCK_UN)
        assert worker._locked(ours.fileno(), stop, 0.1)


def test_a_closed_pipe_is_a_lifeline() -> None:
    alive, held = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.close(held)
        lifeline._watch([alive])
        os._exit(0)
    os.close(held)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
    os.close(alive)
