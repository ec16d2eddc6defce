"""An engine that is a process of its own and speaks lines of JSON with the launcher."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import tunewise
from tunewise.core.canonical import JSONObject
from tunewise.core.errors import MachineTrouble
from tunewise.core.exits import exit_words
from tunewise.studies.engines.base import Engine, EngineEnded
from tunewise.studies.exit_codes import ending_of

if TYPE_CHECKING:  # NumPy is not to be loaded before the process has been started
    from tunewise.store.study import StudyFolder
    from tunewise.store.trial_records import Job

GOODBYE = 5.0  # seconds that the process gets to end by itself
KEPT_OUTPUT = 8_000  # bytes of what it printed that are kept
LAST_LINES = 12  # of these, in the message that it ended

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


class ProcessEngine(Engine):
    """Lines go to the process and come from it, as `tunewise.worker` describes them.

    It is started as early as can be, before this process loads libraries of its own; it belongs to
    no study until it is given a job.
    """

    name: str  # what a person calls the process

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start ``python -m`` with these arguments."""
        self.ready = False
        self._unread = b""
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the engine
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=environment,
            start_new_session=True,  # Ctrl-C is ours to handle; the process is asked to stop
        )

    def stop(self, key: str) -> None:
        self._send({"do": "stop", "key": key})

    def kill(self, key: str) -> None:
        self._send({"do": "kill", "key": key})

    def reports(self, seconds: float) -> list[tuple[str, int]]:
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        readable, _, _ = select.select([handle], [], [], seconds)
        if not readable:
            return []
        content = os.read(handle, 1 << 16)
        if not content:
            raise EngineEnded
        *lines, self._unread = (self._unread + content).split(b"\n")
        messages: list[JSONObject] = [json.loads(line) for line in lines]
        for message in messages:
            self.ready = self.ready or "ready" in message
            self._hear(message)
        return [(message["job"], message["exit"]) for message in messages if "job" in message]

    def close(self) -> str:
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
        return ending_of(self._process.returncode, str).outside

    def failure(self) -> MachineTrouble:
        ended = self.close()
        last = "\n".join(self._output.splitlines()[-LAST_LINES:])
        last_words = f" Its last output:\n{last}" if last and not self.was_killed else ""
        when = "" if self.ready else ", while it loaded its libraries"
        return MachineTrouble(f"The {self.name} {ended}{when}.{last_words}")

    @abstractmethod
    def _hear(self, message: JSONObject) -> None:
        """Take in what the process says."""

    def _run(self, folder: StudyFolder, job: Job, **how: object) -> None:
        study = str(folder.path.resolve())
        self._send({"do": "run", "study": study, "job": job.as_json(), **how})

    def _send(self, message: JSONObject) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it died; reading its reports will say so
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()


def worker_environment() -> dict[str, str]:
    """Ours with the thread limits, and with this very package found first."""
    package = str(Path(tunewise.__file__).parents[1])
    before = os.environ.get("PYTHONPATH")
    path = f"{package}{os.pathsep}{before}" if before else package
    return {**os.environ, **LIBRARIES, "PYTHONPATH": path}
