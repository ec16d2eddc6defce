"""Runs a study on this machine: asks what is next, starts it, notes how it ended, asks again.

A crash, a lack of memory or a trial that hangs is that trial's status and never the study's
end. Whatever stops the launcher, running it again goes on: the folders are the only state. No
torch here.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from dataclasses import dataclass, field

from tunewise.core.disk import is_full
from tunewise.core.errors import StudyBusy, TunewiseError
from tunewise.store.study import StudyFolder
from tunewise.studies.events import Notice, OnEvent, Signals, Started, Stopped, Tick
from tunewise.studies.exits import KILLED, Exit, said
from tunewise.studies.jobs import Job, Progress
from tunewise.studies.ledger import Ledger
from tunewise.studies.pool import Pool, WorkerEnded, usable_cores

TICK = 0.1  # seconds between two looks at time limits and signals
TRIES = 2  # a trial that is killed from outside gets a second chance, not a third
RESTARTS = 3  # of the worker, before something is thought to be wrong with it


@dataclass(frozen=True)
class Outcome:
    """How a launch ended, and how far the study is."""

    progress: Progress
    interrupted: bool = False
    terminated: bool = False
    paused: str | None = None  # why the study stopped by itself

    @property
    def exit_code(self) -> int:
        if self.terminated:
            return 143
        if self.interrupted:
            return 130
        return 1 if self.progress.failed or self.paused else 0


def run_jobs(
    folder: StudyFolder,
    *,
    workers: int,
    pool: Pool,
    on_event: OnEvent = lambda event: None,
) -> Outcome:
    """Run all that the stored study still needs, up to `workers` jobs at a time.

    The caller holds `folder.lock()` and has written the study. Ctrl-C once lets the running
    trials save a checkpoint and end, a second one ends them now; SIGTERM is like the first.

    Args:
        folder: the study, locked and written.
        workers: how many jobs run side by side, from 1 up.
        pool: the worker, which may still be coming up; it is closed in the end.
        on_event: told what happens, and every tenth of a second while nothing does.

    Raises:
        InputError: a newer Tunewise wrote into this folder.
        StudyBusy: a process of an earlier launch holds a trial and does not end.
        TunewiseError: the worker does not come up, or keeps dying.
    """
    if not folder.locked:
        raise ValueError("a study runs only while its lock is held: with folder.lock(): ...")
    if workers < 1:
        raise ValueError(f"workers = {workers}: a whole number from 1 up.")
    with Signals() as signals:
        launch = _Launch(Ledger(folder, on_event), workers, on_event, pool, signals)
        try:
            launch.run()
        finally:
            launch.close()
    return launch.outcome()


@dataclass
class _Running:
    job: Job
    slot: int
    started: float = field(default_factory=time.monotonic)
    late: bool = False  # killed because its time was up

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started


class _Launch:
    """One launch of a study: what runs, what has been tried, what stopped it."""

    def __init__(
        self, ledger: Ledger, workers: int, on_event: OnEvent, pool: Pool, signals: Signals
    ) -> None:
        self.ledger, self.folder, self.on_event = ledger, ledger.folder, on_event
        self.signals = signals
        self.running: dict[str, _Running] = {}
        self.tried: Counter[str] = Counter()
        self.free = list(range(workers))[::-1]
        self.cores = usable_cores()
        self.helpers = min(workers, len(self.cores)) - 1
        # With fewer trials than cores the system places them better than we can: two studies
        # side by side must not share a core while others idle.
        self.pinned = workers >= len(self.cores)
        self.queue: list[Job] | None = None  # None: to be asked for again
        self.reports: list[tuple[str, int]] = []  # job keys and exit codes not yet looked at
        self.pool = pool
        self.deaths = 0
        self.stopping = False
        self.paused: str | None = None

    def run(self) -> None:
        while True:
            try:
                self._obey_signals()
                self._submit()
                if not self.running and not self._waiting():
                    return
                if len(self.signals.heard) > 1:
                    return  # closing the worker ends what still runs
                self._listen()
            except OSError as error:
                if not is_full(error):
                    raise
                self._pause(error.strerror or str(error))
            self.on_event(Tick())

    def close(self) -> None:
        self.pool.close()

    def outcome(self) -> Outcome:
        progress = self.ledger.progress()
        heard = [] if progress.complete else self.signals.heard
        return Outcome(
            progress,
            interrupted=signal.SIGINT in heard,
            terminated=signal.SIGTERM in heard,
            paused=self.paused,
        )

    # What is next

    def _waiting(self) -> list[Job]:
        """The jobs that could start now, were there a place."""
        if self.stopping:
            return []
        if self.queue is None:
            self.queue = self.ledger.next_jobs(self.running)
        return self.queue

    def _submit(self) -> None:
        spoiled = self.ledger.spoiled
        while hopeless := [job for job in self._waiting() if job.features in spoiled]:
            status, error = spoiled[str(hopeless[0].features)]
            self._end(hopeless[0], status, error, seconds=0.0)
        while self.pool.ready and self.free and self._waiting():
            job = self._waiting().pop(0)
            slot = self.free.pop()
            core = self.cores[slot % len(self.cores)] if self.pinned else None
            limit = self.ledger.study.get("memory_limit")
            self.pool.start(self.folder, job, core, limit, helpers=self.helpers)
            self.running[job.key] = _Running(job, slot)
            self.on_event(Started(job))

    # What happens

    def _listen(self) -> None:
        try:
            self.reports.extend(self.pool.reports(0 if self.reports else TICK))
        except WorkerEnded:
            self._bury_worker()
        while self.reports:  # a full disk may end this loop; what is left is heard next time
            key, code = self.reports.pop(0)
            self._ended(self.running.pop(key), code)
        for running in self.running.values():
            limit = running.job.settings.get("training", {}).get("timeout")
            if limit is not None and running.seconds > limit and not running.late:
                running.late = True
                self.pool.kill(running.job.key)

    def _ended(self, running: _Running, code: int) -> None:
        """Note how a job ended; the first sentence below that holds is the true one."""
        job, seconds = running.job, running.seconds
        self.free.append(running.slot)
        self.queue = None
        if self.ledger.take(job, seconds):
            return
        self.tried[job.key] += 1
        if running.late:
            limit = job.settings["training"]["timeout"]
            self._end(job, "timed-out", f"not finished within {limit} s (timeout).", seconds)
        elif self.stopping:
            self.on_event(Stopped(job))
        elif code == Exit.DISK_FULL:
            self.on_event(Stopped(job))
            self._pause(f"{job.key} could not write")
        elif code == Exit.DAMAGED:
            self.on_event(Stopped(job))
            self._repair(job)
        elif code == Exit.BUSY:
            lock = self.folder.lock_file(job.key)
            raise StudyBusy(f"{job.key} is still run by a process of an earlier launch ({lock}).")
        elif code in KILLED and self.tried[job.key] < TRIES:
            self.on_event(Stopped(job))
            self.on_event(Notice(f"{job.key} {said(code)}; it is tried once more."))
        elif code in KILLED:
            error = "killed from outside twice, most likely because memory ran out."
            self._end(job, "killed", error, seconds)
        elif code == Exit.OUT_OF_MEMORY:
            self._end(job, "out-of-memory", self.ledger.last_words(job), seconds)
        elif code == Exit.FAILED:
            self._end(job, "failed", self.ledger.last_words(job), seconds)
        elif code == Exit.COMPLETE:
            self._end(job, "failed", "ended without an error and left no result.", seconds)
        else:
            self._end(job, "failed", f"{said(code)}.", seconds)

    def _end(self, job: Job, status: str, error: str, seconds: float) -> None:
        self.queue = None
        self.ledger.end(job, status, error, seconds)

    # What goes wrong

    def _obey_signals(self) -> None:
        if self.signals.heard and not self.stopping:
            self.on_event(
                Notice(
                    "Stopping: running trials save a checkpoint and end. Ctrl-C again ends them "
                    "now. Run the same command to go on."
                )
            )
            self._stop()

    def _stop(self) -> None:
        self.stopping = True
        for key in self.running:
            self.pool.stop(key)

    def _pause(self, cause: str) -> None:
        """Stop because the disk is full; what is complete stays, and so do checkpoints."""
        if self.paused is None:
            self.paused = (
                f"The disk is full: {cause}. {self.ledger.room()}. Nothing is lost: make room "
                "and run the same command to go on."
            )
            self.on_event(Notice(self.paused))
            self._stop()

    def _repair(self, job: Job) -> None:
        """Have what is damaged made again; where this launch cannot, the next one does."""
        if self.ledger.repair() and self.tried[job.key] < TRIES:
            return
        _, _, said = self.ledger.last_words(job).partition(": ")
        self.paused = self.paused or f"{said} Run the same command again: it repairs this."
        self._stop()

    def _bury_worker(self) -> None:
        """Start another worker; the jobs of the dead one ended with it and wait again."""
        if not self.pool.ready:
            raise self.pool.failure()
        ended = self.pool.close()
        self.deaths += 1
        if self.deaths > RESTARTS:
            raise TunewiseError(f"The worker process died {self.deaths} times; last it {ended}.")
        self.on_event(Notice(f"The worker process {ended}; another one takes over."))
        self.pool = Pool(self.pool.runner)
        for running in self.running.values():
            self.free.append(running.slot)
            if not self.ledger.take(running.job, running.seconds):
                self.on_event(Stopped(running.job))
        self.running.clear()
        self.queue = None
