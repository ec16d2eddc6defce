"""What a node of a Ray cluster does with a job: it hands it to a worker of its own.

Ray keeps the process that ran a task for the next one, and with it the worker, which has loaded its
libraries. When that process dies, or the node's Ray with it, the worker and its jobs end too.
"""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

from tunewise import __version__
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job
from tunewise.studies.engines.base import EngineEnded, Needs
from tunewise.studies.engines.pool import Pool
from tunewise.studies.events import Signals
from tunewise.studies.exit_codes import Exit

LOOK = 0.1  # seconds between two looks at wishes to stop
# Seconds to wait for the process of a node that was lost: a file server keeps the locks of a client
# that is gone for a lease, which is 90 seconds for NFS.
PATIENCE = 120.0
BEGAN = "began"

_pools: dict[str, Pool] = {}  # the worker of this process, by its runner


def run_task(message: str, runner: str, version: str) -> Iterator[tuple[str | int, str]]:
    """Do a job: yields that it began, then its exit code, each with what there is to say.

    Ray's wish that the task be canceled comes as an interrupt: the job then saves a checkpoint
    and ends.

    Args:
        message: the job as `tunewise.worker` reads it.
        runner: the module that runs jobs.
        version: of Tunewise where the study was launched.
    """
    with Signals(signal.SIGINT) as signals:
        asked = json.loads(message)
        folder, job = StudyFolder(Path(asked["study"])), Job.from_json(asked["job"])
        if wrong := _unusable(folder, version):
            yield Exit.OUTSIDE, f"node {socket.gethostname()}: {wrong}"
            return
        pool = _pools.get(runner) or Pool(runner, patience=PATIENCE)
        _pools[runner] = pool
        try:
            pool.places(1)
            while not pool.ready:
                pool.reports(LOOK)
            yield BEGAN, ""
            pool.start(folder, job, Needs())
            yield _exit_code(pool, job.key, signals), ""
        except EngineEnded:
            del _pools[runner]
            trouble = str(pool.failure())
            code = Exit.LOST if pool.was_killed else Exit.OUTSIDE
            yield code, f"node {socket.gethostname()}: {trouble}"


def _unusable(folder: StudyFolder, version: str) -> str | None:
    """Why jobs of this study cannot run on this node."""
    if version != __version__:
        return f"Tunewise {__version__} is installed, and the study was launched by {version}."
    if not folder.path.is_dir():
        return (
            f"{folder.path} is not there. The study's folder must lie on storage that every node "
            "sees at the same path."
        )
    return None


def _exit_code(pool: Pool, key: str, signals: Signals) -> int:
    asked = False
    while True:
        if signals.heard and not asked:
            pool.stop(key)
            asked = True
        for _, code in pool.reports(LOOK):
            return code
