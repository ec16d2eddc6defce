"""The engine of one machine: a worker process that forks a process for each job."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from tunewise.core.canonical import JSONObject
from tunewise.studies.engines.base import Needs
from tunewise.studies.engines.gpus import Gpu, visible_gpus
from tunewise.studies.engines.process import ProcessEngine, worker_environment

if TYPE_CHECKING:  # NumPy is not to be loaded before the worker has been started
    from tunewise.store.study import StudyFolder
    from tunewise.store.trial_records import Job

RUNNER = "tunewise.runner"


class Pool(ProcessEngine):
    """A running worker, with a place for each GPU of this machine, or without one for each core.

    It imports for some seconds first. A job that uses a GPU sees one alone, or as many as it needs.
    Several share one where the prediction says that they fit, and where more workers were asked for
    than there are GPUs.

    `runner` is the module that runs jobs, as `tunewise.worker.Runner` says. `patience` are the
    seconds that a job waits for a process of an earlier launch to end, where that is not what suits
    one machine.
    """

    name = "worker process"

    def __init__(self, runner: str = RUNNER, *, patience: float | None = None) -> None:
        self.runner, self.patience = runner, patience
        self.cores, self.gpus = usable_cores(), visible_gpus()
        self.cards = self.gpus
        self.foresees = bool(self.gpus)
        self.wanted: int | None = None
        self.slots: dict[str, int] = {}  # of each running job, from 0 up
        self.processes: dict[str, int] = {}  # of each running job, how many
        # Of each that uses GPUs, which, and how much of each.
        self.on_gpu: dict[str, tuple[tuple[Gpu, ...], Fraction]] = {}
        arguments = ["tunewise.worker", "--runner", runner]
        if sys.platform != "linux":
            arguments.append("--afresh")  # forking after imports is safe on Linux alone
        super().__init__(arguments, worker_environment())

    def places(self, wanted: int | None = None) -> int:
        self.wanted = wanted
        return wanted or len(self.gpus) or len(self.cores)

    @property
    def workers(self) -> int:
        """How many jobs run side by side at most, those without a GPU included."""
        return self.wanted or len(self.cores)

    def takes(self, needs: Needs) -> bool:
        if not self.ready:
            return False
        running = sum(self.processes.values())
        if running and running + needs.cores > self.workers:
            return False
        return not (needs.gpus and self.gpus) or self._emptiest(needs)[1] <= 1

    def start(self, folder: StudyFolder, job: Job, needs: Needs) -> None:
        slot = min(set(range(len(self.slots) + 1)) - set(self.slots.values()))
        self.slots[job.key], self.processes[job.key] = slot, needs.cores
        # With fewer trials than cores the system places them better than we can: two studies
        # side by side must not share a core while others idle. Those on a GPU leave cores idle.
        pinned = self.workers >= len(self.cores) and not self.gpus and needs.cores == 1
        core = self.cores[slot % len(self.cores)] if pinned else None
        # Threads that may read images beside its own, on cores that nothing else uses.
        helpers = min(self.workers, len(self.cores)) - 1
        seen = None
        if needs.gpus and self.gpus:
            gpus, _ = self._emptiest(needs)
            self.on_gpu[job.key] = gpus, max(self._share(gpu, needs) for gpu in gpus)
            seen = ",".join(gpu.name for gpu in gpus)
        self._run(
            folder,
            replace(job, helpers=helpers),
            core=core,
            gpu=seen,
            patience=self.patience,
        )

    def waits(self, key: str) -> bool:
        return False

    def anew(self) -> Pool:
        pool = Pool(self.runner, patience=self.patience)
        pool.wanted = self.wanted
        return pool

    def _hear(self, message: JSONObject) -> None:
        if "job" in message:
            self.slots.pop(message["job"], None)
            self.processes.pop(message["job"], None)
            self.on_gpu.pop(message["job"], None)

    def _emptiest(self, needs: Needs) -> tuple[tuple[Gpu, ...], Fraction]:
        """The GPUs that a job fills least, and how much of the fullest is then taken."""
        filled = [(gpu, self._taken(gpu) + self._share(gpu, needs)) for gpu in self.gpus]
        least = sorted(filled, key=lambda one: one[1])[: needs.gpus]
        return tuple(gpu for gpu, _ in least), max(taken for _, taken in least)

    def _taken(self, gpu: Gpu) -> Fraction:
        return sum((share for where, share in self.on_gpu.values() if gpu in where), Fraction(0))

    def _share(self, gpu: Gpu, needs: Needs) -> Fraction:
        share = gpu.share(needs.gpu_bytes)
        if self.wanted is None:
            return share
        on_each = math.ceil(self.wanted / len(self.gpus))
        return min(share, Fraction(1, on_each))


def usable_cores() -> list[int]:
    """The cores this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
