"""The engine of a Ray cluster: each job is a task on one of its nodes.

The study's folder lies on storage that every node sees at the same path; what a job makes are
files there, as on one machine. Ray itself is another process's: it ends whoever drives it when the
head of its cluster is gone, and that shall not be the launcher.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tunewise.core.canonical import JSONObject
from tunewise.core.errors import InputError, MachineTrouble, Problem
from tunewise.core.extras import require
from tunewise.core.files import is_complete
from tunewise.studies.engines.base import Needs
from tunewise.studies.engines.pool import RUNNER
from tunewise.studies.engines.process import ProcessEngine, worker_environment
from tunewise.studies.exit_codes import Exit

if TYPE_CHECKING:  # NumPy is not to be loaded before the driver has been started
    from tunewise.store.study import StudyFolder
    from tunewise.store.trial_records import Job

# Of a cluster that we start: nobody is told of it, and its jobs are no less urgent than others.
LOCAL = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
ADDRESS = "RAY_ADDRESS"  # in the environment: where the cluster is, as Ray's own programs read it
ANSWER = 5.0  # seconds that the head of a cluster gets to accept a connection
LOOK = 0.1  # seconds between two looks for what the driver says
# Seconds until what another machine wrote is seen here: a client of NFS may believe for up to a
# minute that a file is not there (acdirmax in nfs(5)).
SEEN = 90.0


class RayCluster(ProcessEngine):
    """The cluster at RAY_ADDRESS, or a local one that ends with the study.

    It has as many places as its nodes have cores, and more or fewer as nodes come and go. Where
    nodes have GPUs, a job with a model takes one of them.
    """

    name = "process that drives Ray"
    elsewhere = foresees = True

    def __init__(self, runner: str = RUNNER) -> None:
        """Connect.

        Raises:
            MissingExtra: Ray is not installed.
            InputError: there is no cluster at the address.
        """
        require("ray", extra="ray")
        address = os.environ.get(ADDRESS, "")
        check_address(address)
        self.runner = runner
        self.wanted: int | None = None
        self.cores = self.gpus = 0  # of the cluster
        self.taken: dict[str, Needs] = {}  # by each job that runs or waits
        self.waiting: set[str] = set()
        self.folders: dict[str, Path] = {}  # that a job completes
        self.unseen: list[tuple[str, int, float]] = []  # ended jobs, code and until when to look
        arguments = ["tunewise.studies.engines.ray_driver", "--runner", runner]
        environment = {**LOCAL, **worker_environment()}
        super().__init__([*arguments, *(["--address", address] if address else [])], environment)

    def places(self, wanted: int | None = None) -> int:
        self.wanted = wanted
        while wanted is None and not self.ready:
            self.reports(LOOK)
        return wanted or max(1, self.cores)

    def takes(self, needs: Needs) -> bool:
        if not self.ready:
            return False
        if self.wanted is not None:
            return len(self.taken) < self.wanted
        if not self.taken:
            return True  # whatever it needs: the driver tells what fits no node
        asked = [*self.taken.values(), needs]
        enough = not self.gpus or sum(each.gpus for each in asked) <= self.gpus
        return enough and sum(each.cores for each in asked) <= self.cores

    def start(self, folder: StudyFolder, job: Job, needs: Needs) -> None:
        self.taken[job.key] = needs
        self.waiting.add(job.key)
        self.folders[job.key] = folder.made_by(job)
        gpus = needs.gpus if self.gpus else 0
        self._run(folder, job, cores=needs.cores, gpus=gpus, memory=needs.memory_bytes)

    def waits(self, key: str) -> bool:
        return key in self.waiting

    def reports(self, seconds: float) -> list[tuple[str, int]]:
        until = time.monotonic() + SEEN
        self.unseen += [(key, code, until) for key, code in super().reports(seconds)]
        now = time.monotonic()
        seen = [
            (key, code)
            for key, code, late in self.unseen
            if code != Exit.COMPLETE or now > late or is_complete(self.folders[key])
        ]
        ended = {key for key, _ in seen}
        self.unseen = [one for one in self.unseen if one[0] not in ended]
        return seen

    def anew(self) -> RayCluster:
        try:
            cluster = RayCluster(self.runner)
        except InputError as error:
            message = (
                f"The Ray cluster is gone. {error} Start it and run the same command to resume."
            )
            raise MachineTrouble(message) from error
        cluster.wanted = self.wanted
        return cluster

    def _hear(self, message: JSONObject) -> None:
        if "cores" in message:
            self.cores, self.gpus = message["cores"], message["gpus"]
        if "began" in message:
            self.waiting.discard(message["began"])
        if "job" in message:
            self.waiting.discard(message["job"])
            self.taken.pop(message["job"], None)


def check_address(address: str) -> None:
    """See that somebody listens: Ray itself would try for minutes.

    Raises:
        InputError: nobody does, or this is no address of a cluster.
    """
    if address in {"", "auto", "local"}:
        return
    right = "HOST:PORT, as 'ray start --head' prints it, on a machine of the cluster"
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "//" in host:
        raise InputError([Problem(ADDRESS, f"'{address}': {right}.")])
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER).close()
    except (OSError, OverflowError) as error:
        message = f"'{address}': nobody answers there ({error}); {right}."
        raise InputError([Problem(ADDRESS, message)]) from error
