"""An engine of threads in this process, for what must hold of every engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from tunewise.core.errors import MachineTrouble
from tunewise.core.files import is_complete
from tunewise.studies.engines.base import Engine, EngineEnded, Needs
from tunewise.studies.exit_codes import Exit, exit_of
from tunewise.worker import ENDINGS

LOOK = 0.005


class Killed(BaseException):
    """A thread cannot be ended from outside; it ends itself when it next asks whether to stop."""


@dataclass
class _Thread:
    folder: Any
    job: Any
    thread: threading.Thread | None = None
    began: bool = False
    stop: bool = False
    killed: int | None = None  # the exit code it is to have
    code: int | None = None

    def asked(self) -> bool:
        if self.killed is not None:
            raise Killed
        return self.stop


@dataclass
class FakeEngine(Engine):
    """Ready at the first look. `held` jobs have no process until they are let go."""

    runner: ModuleType
    workers: int = 2
    held: bool = False
    elsewhere: bool = False
    jobs: dict[str, _Thread] = field(default_factory=dict)
    most: int = 0  # jobs that ran at once
    dead: bool = False

    def places(self, wanted: int | None = None) -> int:
        self.workers = wanted or self.workers
        return self.workers

    def takes(self, needs: Needs) -> bool:
        return self.ready and len(self.jobs) < self.workers

    def start(self, folder: Any, job: Any, needs: Needs) -> None:
        self.jobs[job.key] = _Thread(folder, job)
        self.most = max(self.most, len(self.jobs))

    def waits(self, key: str) -> bool:
        return key in self.jobs and not self.jobs[key].began

    def stop(self, key: str) -> None:
        if key in self.jobs:
            self.jobs[key].stop = True

    def kill(self, key: str) -> None:
        self.lose(key, -9)

    def lose(self, key: str, code: int = Exit.LOST) -> None:
        """As if its machine were gone."""
        if key in self.jobs:
            self.jobs[key].killed = code

    def reports(self, seconds: float) -> list[tuple[str, int]]:
        self.ready = True
        for one in self.jobs.values():
            if not one.began and not self.held:
                one.began = True
                one.thread = threading.Thread(target=self._run, args=(one,), daemon=True)
                one.thread.start()
        until = time.monotonic() + seconds
        while not self.dead:
            ended = {key: one.code for key, one in self.jobs.items() if one.code is not None}
            for key, one in self.jobs.items():
                if one.killed is not None and not one.began:
                    ended[key] = one.killed
            if ended or time.monotonic() > until:
                for key in ended:
                    del self.jobs[key]
                return list(ended.items())
            time.sleep(LOOK)
        raise EngineEnded

    def die(self) -> None:
        """As if somebody had killed it."""
        self.dead = True

    def close(self) -> str:
        for key, one in self.jobs.items():
            self.kill(key)
            if one.thread is not None:
                one.thread.join()
        return "ended by SIGKILL" if self.dead else "ended"

    @property
    def was_killed(self) -> bool:
        return self.dead

    def failure(self) -> MachineTrouble:
        return MachineTrouble(f"The fake {self.close()}.")

    def anew(self) -> FakeEngine:
        return FakeEngine(self.runner, self.workers)

    def _run(self, one: _Thread) -> None:
        run_job: Callable[..., str] = self.runner.run_job
        try:
            if is_complete(one.folder.made_by(one.job)):
                one.code = Exit.COMPLETE
                return
            status = run_job(one.job, one.folder.path, one.asked)
            one.code = ENDINGS.get(status, Exit.COMPLETE)
        except Killed:
            one.code = one.killed
        except Exception as error:
            one.code = exit_of(error)
