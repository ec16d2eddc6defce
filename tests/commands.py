"""The command line for tests: in this process, or in one of its own where that is what is tested.

A process of ours loads torch, transformers and PEFT for some ten seconds of a processor, so a
command is run in this one wherever a process of its own would prove nothing.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tunewise.cli.main import main
from tunewise.core.errors import MachineTrouble
from tunewise.studies.engines.known import ENGINES
from tunewise.studies.engines.pool import Pool


@dataclass(frozen=True)
class Ended:
    """A command that has ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Ended]
FIXED = {"OMP_NUM_THREADS": "1", "COLUMNS": "80", "HF_HUB_OFFLINE": "1"}


def environment(**more: str) -> dict[str, str]:
    """For a process of its own."""
    return {**os.environ, **FIXED, **more}


def launched(*words: str, cwd: Path, **more: Any) -> subprocess.Popen[str]:
    """The command line in a process, and process group, of its own."""
    settings: dict[str, Any] = {"env": environment(), "text": True, "start_new_session": True}
    return subprocess.Popen([sys.executable, "-m", "tunewise", *words], cwd=cwd, **settings | more)


def run_here(*words: str, cwd: Path) -> Ended:
    """The command line in this process, which is afterwards as it was before."""
    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["tunewise", *words])
        for name, value in FIXED.items():
            patch.setenv(name, value)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as ended:
                code = ended.code or 0
    return Ended(code, out.getvalue(), err.getvalue())


class KeptPool(Pool):
    """A worker that stays when a study closes it, unless jobs of the study still run."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: set[str] = set()

    def start(self, folder: Any, job: Any, *how: Any, **more: Any) -> None:
        self.jobs.add(job.key)
        super().start(folder, job, *how, **more)

    def reports(self, seconds: float) -> list[tuple[str, int]]:
        found = super().reports(seconds)
        self.jobs.difference_update(key for key, _ in found)
        return found

    def close(self) -> str:
        return self.end() if self.jobs or self.ended else "kept"

    def failure(self) -> MachineTrouble:
        self.end()
        return super().failure()

    def end(self) -> str:
        return super().close()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None


class KeptWorker:
    """One worker for all studies that are run in this process; it forks a process for each job."""

    def __init__(self) -> None:
        self.pool: KeptPool | None = None

    def lend(self) -> KeptPool:
        if self.pool is None or self.pool.ended:
            self.pool = KeptPool()
        return self.pool

    @contextlib.contextmanager
    def takes_studies(self) -> Iterator[None]:
        """Inside, whoever runs a study is lent this worker instead of starting one."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(ENGINES, "local", self.lend)
            yield

    def end(self) -> None:
        if self.pool is not None:
            self.pool.end()
