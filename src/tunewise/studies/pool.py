"""The launcher's end of the worker: one process that starts, stops and reports on jobs."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import tunewise
from tunewise.core.canonical import JSONObject
from tunewise.core.errors import MachineTrouble
from tunewise.studies.exit_codes import ending_of, exit_words

if TYPE_CHECKING:  # NumPy is not to be loaded before the worker has been started
    from tunewise.store.study import StudyFolder
    from tunewise.store.trial_records import Job

RUNNER = "tunewise.runner"
GOODBYE = 5.0  # seconds a worker gets to end by itself
KEPT_OUTPUT = 8_000  # bytes of what it printed that are kept

# One thread a trial: as many trials as cores run side by side, and results then depend neither
# on the number of cores nor on what else runs. On a GPU, products are summed in one order, and
# nobody looks for it in a way that forbids forking. Libraries read these when they are imported.
LIBRARIES = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}


class WorkerEnded(Exception):
    """The worker's output closed: it is dead, and its jobs end with it."""


class Pool:
    """A running worker. It imports for some seconds first: `ready` says when it takes jobs.

    So it is started as early as can be, before this process loads libraries of its own; it
    belongs to no study until it is given a job. `runner` is the module that runs jobs, as
    `tunewise.worker.Runner` says.
    """

    def __init__(self, runner: str = RUNNER) -> None:
        self.ready = False
        self.runner = runner
        self._unread = b""
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the pool
        command = [sys.executable, "-P", "-m", "tunewise.worker", "--runner", runner]
        if sys.platform != "linux":
            command.append("--afresh")  # forking after imports is safe on Linux alone
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=worker_environment(),
            start_new_session=True,  # Ctrl-C is ours to handle; the worker is asked to stop
        )

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(
        self,
        folder: StudyFolder,
        job: Job,
        core: int | None,
        memory_limit: int | None = None,
        *,
        helpers: int = 0,
    ) -> None:
        """Start a process for a study's job, on one core and with so many bytes, where given.

        `helpers` threads may read images beside its own, on cores that nothing else uses.
        """
        job = replace(job, memory_limit=memory_limit, helpers=helpers)
        study = str(folder.path.resolve())
        self._send({"do": "run", "study": study, "job": job.as_json(), "core": core})

    def stop(self, key: str) -> None:
        """Ask a job to save a checkpoint and end."""
        self._send({"do": "stop", "key": key})

    def kill(self, key: str) -> None:
        """End a job now, with every process it started."""
        self._send({"do": "kill", "key": key})

    def reports(self, seconds: float) -> list[tuple[str, int]]:
        """The jobs that have ended, as key and exit code; waits up to `seconds` for the first.

        Raises:
            WorkerEnded: there will be no more.
        """
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        readable, _, _ = select.select([handle], [], [], seconds)
        if not readable:
            return []
        content = os.read(handle, 1 << 16)
        if not content:
            raise WorkerEnded
        *lines, self._unread = (self._unread + content).split(b"\n")
        messages: list[JSONObject] = [json.loads(line) for line in lines]
        self.ready = self.ready or any("ready" in message for message in messages)
        return [(message["job"], message["exit"]) for message in messages if "job" in message]

    def close(self) -> str:
        """End the worker, and with it whatever still runs; return how it ended, in words.

        Closing twice does no harm.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        if not self.ready:
            self._process.kill()  # it is still importing, and would only look later
        try:
            self._process.wait(GOODBYE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        if not self._complaints.closed:
            self._complaints.seek(max(0, self._complaints.seek(0, os.SEEK_END) - KEPT_OUTPUT))
            self._output = self._complaints.read().decode(errors="replace").strip()
            self._complaints.close()
        return exit_words(self._process.returncode)

    @property
    def was_killed(self) -> bool:
        """Whether somebody else ended the worker, which is closed by now."""
        return ending_of(self._process.returncode, str).outside

    def failure(self) -> MachineTrouble:
        """The error for a worker that ended by itself, with what it printed last."""
        ended = self.close()
        last = "\n".join(self._output.splitlines()[-12:])
        last_words = f" Its last output:\n{last}" if last and not self.was_killed else ""
        when = "" if self.ready else ", while it loaded its libraries"
        return MachineTrouble(f"The worker process {ended}{when}.{last_words}")

    def _send(self, message: JSONObject) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it died; reading its reports will say so
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()


def usable_cores() -> list[int]:
    """The cores this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def worker_environment() -> dict[str, str]:
    """Ours with the thread limits, and with this very package found first."""
    package = str(Path(tunewise.__file__).parents[1])
    before = os.environ.get("PYTHONPATH")
    path = f"{package}{os.pathsep}{before}" if before else package
    return {**os.environ, **LIBRARIES, "PYTHONPATH": path}
