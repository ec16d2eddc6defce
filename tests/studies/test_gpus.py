"""Jobs on GPUs, of which there are none here: the driver's list is made up, and what jobs see is
asked of their processes.
"""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tunewise.core.environment import VISIBLE
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job
from tunewise.studies.engines import gpus
from tunewise.studies.engines.base import Needs
from tunewise.studies.engines.gpus import Gpu, chosen, visible_gpus
from tunewise.studies.engines.pool import Pool

ONE, TWO = Gpu("GPU-1a", 24 * 10**9), Gpu("GPU-2b", 24 * 10**9)
LARGE, SMALL = Needs(gpus=1, gpu_bytes=15 * 10**9), Needs(gpus=1, gpu_bytes=4 * 10**9)
UNKNOWN, NONE = Needs(gpus=1), Needs()


class Placed(Pool):
    """A pool whose worker was never started: what it would be told is kept."""

    def __init__(self, *here: Gpu, cores: int = 16) -> None:
        self.runner, self.patience, self.ready = "toy", None, True
        self.cores, self.gpus, self.wanted = list(range(cores)), here, None
        self.slots, self.processes, self.on_gpu = {}, {}, {}
        self.told: list[dict[str, Any]] = []

    def _send(self, message: dict[str, Any]) -> None:
        self.told.append(message)

    def fill(self, needs: Needs) -> list[str | None]:
        """The GPUs of as many jobs as it takes."""
        before = len(self.told)
        while self.takes(needs):
            job = Job("trial", f"{len(self.told)}", settings=None)  # type: ignore[arg-type]
            self.start(StudyFolder(Path()), job, needs)
        return [message["gpu"] for message in self.told[before:]]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Job, "as_json", lambda self: {"id": self.id})
    monkeypatch.delenv(VISIBLE, raising=False)


def test_without_a_gpu_there_is_a_place_for_each_core() -> None:
    pool = Placed(cores=3)
    assert pool.places() == 3 and pool.fill(UNKNOWN) == [None, None, None]


def test_each_gpu_takes_one_job_and_a_job_sees_one_gpu() -> None:
    pool = Placed(ONE, TWO)
    assert pool.places() == 2
    assert pool.fill(LARGE) == ["GPU-1a", "GPU-2b"]


def test_what_is_not_predicted_has_a_gpu_to_itself() -> None:
    assert Placed(ONE, TWO).fill(UNKNOWN) == ["GPU-1a", "GPU-2b"]


def test_small_jobs_share_a_gpu_as_far_as_they_fit_and_spread_first() -> None:
    assert Placed(ONE, TWO).fill(SMALL) == ["GPU-1a", "GPU-2b"] * 4
    three = Placed(ONE)
    three.start(StudyFolder(Path()), Job("trial", "a", None), SMALL)  # type: ignore[arg-type]
    assert not three.takes(LARGE) and three.fill(SMALL) == ["GPU-1a"] * 3


def test_a_job_over_several_gpus_waits_for_as_many_and_sees_them() -> None:
    pool, both = Placed(ONE, TWO), Needs(cores=2, gpus=2, gpu_bytes=15 * 10**9)
    assert pool.fill(both) == ["GPU-1a,GPU-2b"]
    assert not pool.takes(SMALL) and pool.takes(NONE)
    pool._hear({"job": "trial/0", "exit": 0})
    assert pool.fill(LARGE)[:1] == ["GPU-1a"] and not pool.takes(both)


def test_without_a_gpu_a_job_of_several_processes_takes_a_core_for_each() -> None:
    pool, three = Placed(cores=4), Needs(cores=3, gpus=3)
    assert pool.fill(three) == [None] and pool.fill(UNKNOWN) == [None]
    assert [message["core"] for message in pool.told] == [None, 1]
    small = Placed(cores=2)
    assert small.fill(three) == [None]  # more than there are: it runs alone


def test_what_uses_no_gpu_runs_beside_on_the_cores() -> None:
    pool = Placed(ONE, cores=3)
    assert pool.fill(LARGE) == ["GPU-1a"] and pool.fill(NONE) == [None, None]


def test_more_workers_than_gpus_share_them_whatever_was_predicted() -> None:
    pool = Placed(ONE, TWO)
    assert pool.places(4) == 4 and pool.fill(LARGE) == ["GPU-1a", "GPU-2b"] * 2
    assert pool.fill(NONE) == []
    odd = Placed(ONE, TWO)
    assert odd.places(3) == 3 and odd.fill(LARGE) == ["GPU-1a", "GPU-2b", "GPU-1a"]
    fewer = Placed(ONE, TWO)
    assert fewer.places(1) == 1 and fewer.fill(SMALL) == ["GPU-1a"]


def test_a_core_is_given_to_a_job_where_nothing_runs_on_a_gpu() -> None:
    without, beside = Placed(cores=2), Placed(ONE, cores=2)
    for pool in (without, beside):
        pool.fill(UNKNOWN)
    assert [message["core"] for message in without.told] == [0, 1]
    assert [message["core"] for message in beside.told] == [None]


def test_a_job_that_ended_leaves_its_gpu() -> None:
    pool = Placed(ONE)
    pool.fill(LARGE)
    pool._hear({"job": "trial/0", "exit": 0})
    assert pool.takes(LARGE) and not pool.slots and not pool.on_gpu


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("0,1", (ONE, TWO)),
        ("1", (TWO,)),
        ("GPU-2b,0", (TWO, ONE)),
        ("GPU-2", (TWO,)),
        ("1,-1,0", (TWO,)),
        ("5", ()),
        ("MIG-7", (Gpu("MIG-7"),)),
    ],
)
def test_what_the_environment_leaves_to_be_seen(asked: str, seen: tuple[Gpu, ...]) -> None:
    assert chosen(asked, (ONE, TWO)) == seen


def test_the_drivers_list_is_read_and_a_processor_asked_for_hides_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU-1a, 81559'\necho 'GPU-2b, [N/A]'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert visible_gpus() == (Gpu("GPU-1a", 81559 * 1024**2), Gpu("GPU-2b", None))
    monkeypatch.setenv(VISIBLE, "1")
    assert visible_gpus() == (Gpu("GPU-2b", None),)
    monkeypatch.setenv(VISIBLE, "")
    assert visible_gpus() == ()
    monkeypatch.delenv(VISIBLE)
    program.write_text("#!/bin/sh\nexit 9\n")
    assert visible_gpus() == ()
    program.unlink()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert visible_gpus() == ()


def test_the_context_of_a_process_counts_too() -> None:
    assert Gpu("a", 10 * 10**9).share(2 * 10**9) == Fraction(1, 3)  # 9 GB for three of 3 GB
    assert Gpu("a", 1000 * 10**9).share(1) == Fraction(1, gpus.TOGETHER)
