"""Runs a study on this machine: asks what is next, starts it, notes how it ended, asks again.

A crash, a lack of memory or a trial that hangs is that trial's status and never the study's
end; what ended a trial from outside is no result, and the next launch tries it again. Whatever
stops the launcher, running it again goes on: the folders are the only state. No torch here.
"""

from __future__ import annotations

import math
import signal
import time
from collections import Counter
from dataclasses import dataclass, field

from tunewise.core.errors import MachineTrouble, StudyBusy
from tunewise.core.outside import message_of
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job
from tunewise.studies.events import Notice, OnEvent, Signals, Started, Stopped, Tick
from tunewise.studies.exit_codes import Ending, Exit, ending_of
from tunewise.studies.jobs import Progress
from tunewise.studies.pool import Pool, WorkerEnded, usable_cores
from tunewise.studies.race.clock import Clock, time_is_up
from tunewise.studies.study_state import Ledger

GRACE = 5.0  # seconds to save a checkpoint in, once the budget is spent
TICK = 0.1  # seconds between two looks at time limits and signals
TRIES = 2  # in a launch, of a job that something outside of it ends
RESTARTS = 3  # of the worker, before something is thought to be wrong with it
EARLY = 1  # of these, of a worker that was killed before it took jobs
TROUBLES = 20  # errors of the system while a paused study comes to rest


@dataclass(frozen=True)
class Outcome:
    """How a launch ended, and how far the study is."""

    progress: Progress
    interrupted: bool = False
    terminated: bool = False
    paused: str | None = None  # why the study stopped by itself
    aside: bool = False  # whether jobs wait for the next launch, as something outside ended them

    @property
    def exit_code(self) -> int:
        if self.terminated:
            return 143
        if self.interrupted:
            return 130
        nothing = self.progress.complete and not self.progress.finished  # the clock was first
        return 1 if self.progress.failed or self.paused or self.aside or nothing else 0


def run_jobs(
    folder: StudyFolder,
    *,
    workers: int,
    pool: Pool,
    on_event: OnEvent = lambda event: None,
    clock: Clock | None = None,
) -> Outcome:
    """Run all that the stored study still needs, up to `workers` jobs at a time.

    The caller holds `folder.lock()` and has written the study. Ctrl-C once lets the running
    trials save a checkpoint and end, a second one ends them now; SIGTERM is like the first.

    Args:
        folder: the study, locked and written.
        workers: how many jobs run side by side, from 1 up.
        pool: the worker, which may still be coming up; it is closed in the end.
        on_event: called with what happens, and every tenth of a second while nothing does.
        clock: what launches of the study have taken, this one included, for its budget.

    Raises:
        InputError: a newer Tunewise wrote into this folder.
        StudyBusy: a process of an earlier launch holds a trial and does not end.
        MachineTrouble: the worker does not come up or keeps dying, or the folder was removed.
    """
    if not folder.locked:
        raise ValueError("a study runs only while its lock is held: with folder.lock(): ...")
    if workers < 1:
        raise ValueError(f"workers = {workers}: a whole number from 1 up.")
    with Signals() as signals:
        clock = clock or Clock(folder.path, time.monotonic())
        launch = _Launch(Ledger(folder, on_event), workers, on_event, pool, signals, clock=clock)
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
        self,
        ledger: Ledger,
        workers: int,
        on_event: OnEvent,
        pool: Pool,
        signals: Signals,
        *,
        clock: Clock,
    ) -> None:
        self.ledger, self.folder, self.on_event = ledger, ledger.folder, on_event
        self.signals, self.clock = signals, clock
        self.overtime: dict[str, float] = {}  # jobs told to stop as the budget is spent, and when
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
        self.troubles = 0
        self.stopping = False
        self.paused: str | None = None

    def run(self) -> None:
        while True:
            try:
                self._obey_signals()
                self.ledger.check_there()
                self._obey_clock()
                self._submit()
                if not self.running and not self._waiting():
                    return
                if len(self.signals.heard) > 1:
                    return  # closing the worker ends what still runs
                self._listen()
            except BrokenPipeError:
                raise  # who listens to us has gone
            except OSError as error:
                self.troubles += 1
                if self.troubles > TROUBLES:
                    raise
                self._pause(message_of(error))
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
            aside=bool(self.ledger.aside),
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
            self._end(hopeless[0], spoiled[str(hopeless[0].features)], seconds=0.0)
        while self.pool.ready and self.free and self._waiting():
            job = self._waiting().pop(0)
            slot = self.free.pop()
            core = self.cores[slot % len(self.cores)] if self.pinned else None
            limit = self.ledger.study.memory_limit
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
            limit = running.job.settings.training.get("timeout")
            if limit is not None and running.seconds > limit and not running.late:
                running.late = True
                self.pool.kill(running.job.key)
            if time.monotonic() - self.overtime.get(running.job.key, math.inf) > GRACE:
                self.pool.kill(running.job.key)

    def _ended(self, running: _Running, code: int) -> None:
        """Note how a job ended; the first sentence below that holds is the true one."""
        job, seconds = running.job, running.seconds
        self.free.append(running.slot)
        self.queue = None
        if self.ledger.take(job, seconds):
            return
        if job.key in self.overtime:
            self.on_event(Stopped(job))
        elif running.late:
            limit = job.settings.training["timeout"]
            ending = Ending("timed-out", f"not finished within {limit} s (timeout).")
            self._end(job, ending, seconds)
        elif self.stopping:
            self.on_event(Stopped(job))
        elif code == Exit.DISK_FULL:
            self.on_event(Stopped(job))
            cause = self.ledger.last_words(job, "the disk takes no more, not even the reason.")
            self._pause(f"{job.key} could not write: {cause}")
        elif code == Exit.DAMAGED:
            self.on_event(Stopped(job))
            # What is damaged is made again; where this launch cannot, the next one does it.
            self.tried[job.key] += 1
            if not self.ledger.repair() or self.tried[job.key] >= TRIES:
                self.paused = self.paused or self.ledger.last_words(job)
                self._stop()
        elif code == Exit.BUSY:
            lock = self.folder.lock_file(job.key)
            raise StudyBusy(f"{job.key} is still run by a process of an earlier launch ({lock}).")
        else:
            ending = ending_of(code, lambda: self.ledger.last_words(job))
            self.tried[job.key] += 1
            if ending.outside and self.tried[job.key] < TRIES:
                self.on_event(Stopped(job))
                self.on_event(Notice(f"{job.key}: {ending.error} It is tried once more."))
            else:
                self._end(job, ending, seconds)

    def _end(self, job: Job, ending: Ending, seconds: float) -> None:
        self.queue = None
        self.ledger.end(job, ending, seconds)

    # What goes wrong

    def _obey_signals(self) -> None:
        if self.signals.heard and not self.stopping:
            self.on_event(
                Notice(
                    "Stopping: running trials save a checkpoint and end. Ctrl-C again ends them "
                    "now. Run the same command to resume."
                )
            )
            self._stop()

    def _obey_clock(self) -> None:
        """End the trainings of a study whose budget is spent, earlier than was predicted."""
        ledger = self.ledger
        if ledger.race is None:
            return
        self.clock.note()
        if self.stopping or not time_is_up(
            ledger.study, ledger.records, ledger.race, self.clock.seconds
        ):
            return
        ledger.stop()
        self.on_event(Notice("The budget is spent: what still trains is stopped, and kept."))
        self.queue = None
        for key, running in self.running.items():
            if running.job.kind != "test":
                self.overtime[key] = time.monotonic()
                self.pool.stop(key)

    def _stop(self) -> None:
        self.stopping = True
        for key in self.running:
            self.pool.stop(key)

    def _pause(self, cause: str) -> None:
        """Stop because nothing can be stored; what is complete stays, and so do checkpoints."""
        if self.paused is None:
            self.paused = f"Paused, nothing is lost: {cause} {self.ledger.room()}."
            self.on_event(Notice(self.paused))
            self._stop()

    def _bury_worker(self) -> None:
        """Start another worker; the jobs of the dead one ended with it and wait again."""
        early = not self.pool.ready
        trouble = self.pool.failure()
        self.deaths += 1
        if early and (self.deaths > EARLY or not self.pool.was_killed):
            raise trouble
        if self.deaths > RESTARTS:
            raise MachineTrouble(f"It died {self.deaths} times. {trouble}")
        self.on_event(Notice(f"{trouble} Another one takes over."))
        self.pool = Pool(self.pool.runner)
        for running in self.running.values():
            self.free.append(running.slot)
            if not self.ledger.take(running.job, running.seconds):
                self.on_event(Stopped(running.job))
        self.running.clear()
        self.queue = None
