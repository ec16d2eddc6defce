"""The engine of one machine: a worker process that forks a process for each job."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from tunewise.core.canonical import JSONObject
from tunewise.studies.engines.base import Needs
from tunewise.studies.engines.process import ProcessEngine, worker_environment

if TYPE_CHECKING:  # NumPy is not to be loaded before the worker has been started
    from tunewise.store.study import StudyFolder
    from tunewise.store.trial_records import Job

RUNNER = "tunewise.runner"


class Pool(ProcessEngine):
    """A running worker, with as many places as this machine has cores.

    It imports for some seconds first. `runner` is the module that runs jobs, as
    `tunewise.worker.Runner` says. `patience` are the seconds that a job waits for a process of an
    earlier launch to end, where that is not what suits one machine.
    """

    name = "worker process"

    def __init__(self, runner: str = RUNNER, *, patience: float | None = None) -> None:
        self.runner, self.patience = runner, patience
        self.cores = usable_cores()
        self.workers = len(self.cores)
        self.slots: dict[str, int] = {}  # of each running job, from 0 up
        arguments = ["tunewise.worker", "--runner", runner]
        if sys.platform != "linux":
            arguments.append("--afresh")  # forking after imports is safe on Linux alone
        super().__init__(arguments, worker_environment())

    def places(self, wanted: int | None = None) -> int:
        self.workers = wanted or len(self.cores)
        return self.workers

    def takes(self, needs: Needs) -> bool:
        return self.ready and len(self.slots) < self.workers

    def start(self, folder: StudyFolder, job: Job, needs: Needs) -> None:
        slot = min(set(range(len(self.slots) + 1)) - set(self.slots.values()))
        self.slots[job.key] = slot
        # With fewer trials than cores the system places them better than we can: two studies
        # side by side must not share a core while others idle.
        pinned = self.workers >= len(self.cores)
        core = self.cores[slot % len(self.cores)] if pinned else None
        # Threads that may read images beside its own, on cores that nothing else uses.
        helpers = min(self.workers, len(self.cores)) - 1
        self._run(folder, replace(job, helpers=helpers), core=core, patience=self.patience)

    def waits(self, key: str) -> bool:
        return False

    def anew(self) -> Pool:
        pool = Pool(self.runner, patience=self.patience)
        pool.workers = self.workers
        return pool

    def _hear(self, message: JSONObject) -> None:
        if "job" in message:
            self.slots.pop(message["job"], None)


def usable_cores() -> list[int]:
    """The cores this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
