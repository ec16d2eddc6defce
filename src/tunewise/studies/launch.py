"""Runs a study: asks what is next, has an engine start it, notes how it ended, asks again.

A crash, a lack of memory or a trial that hangs is that trial's status and never the study's
end; what ended a trial from outside is no result, and the next launch tries it again. Whatever
stops the launcher, running it again goes on: the folders are the only state. No torch here.
"""

from __future__ import annotations

import math
import signal
import time
from collections import Counter
from dataclasses import dataclass, replace

from tunewise.core.errors import MachineTrouble, StudyBusy
from tunewise.core.outside import message_of
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job
from tunewise.studies.engines.base import Engine, EngineEnded, Needs
from tunewise.studies.events import BudgetSpent, Notice, OnEvent, Signals, Started, Stopped, Tick
from tunewise.studies.exit_codes import Ending, Exit, ending_of
from tunewise.studies.jobs import Progress
from tunewise.studies.race.clock import Clock, time_is_up
from tunewise.studies.study_state import Ledger
from tunewise.studies.together import ALONE, NeedsOf, Together

GRACE = 5.0  # seconds to save a checkpoint in, once the budget is spent
TICK = 0.1  # seconds between two looks at time limits and signals
TRIES = 2  # in a launch, of a job that something outside of it ends
MOVES = 4  # in a launch, of a job whose machine was lost: it may be the job that fells them
RESTARTS = 3  # of the engine, before something is thought to be wrong with it
EARLY = 1  # of these, of an engine that was killed before it took jobs
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
    engine: Engine,
    workers: int | None = None,
    needs: NeedsOf = lambda job: Needs(),
    on_event: OnEvent = lambda event: None,
    clock: Clock | None = None,
    together: Together = ALONE,
) -> Outcome:
    """Run all that the stored study still needs, up to `workers` jobs at a time.

    The caller holds `folder.lock()` and has written the study. Ctrl-C once lets the running
    trials save a checkpoint and end, a second one ends them now; SIGTERM is like the first.

    Args:
        folder: the study, locked and written.
        engine: what runs the jobs; it may still be coming up, and is closed in the end.
        workers: how many jobs run side by side, from 1 up; as many as the engine has places, if
            not given.
        needs: what a job takes of the machine it runs on.
        on_event: called with what happens, and every tenth of a second while nothing does.
        clock: what launches of the study have taken, this one included, for its budget.
        together: how many trials a process trains, where they can be trained together.

    Raises:
        InputError: a newer Tunewise wrote into this folder.
        StudyBusy: a process of an earlier launch holds a trial and does not end.
        MachineTrouble: the engine does not come up or keeps dying, or the folder was removed.
    """
    if not folder.locked:
        raise ValueError("a study runs only while its lock is held: with folder.lock(): ...")
    if workers is not None:
        if workers < 1:
            raise ValueError(f"workers = {workers}: a whole number from 1 up.")
        engine.places(workers)
    with Signals() as signals:
        clock = clock or Clock(folder.path, time.monotonic())
        ledger = Ledger(folder, on_event)
        launch = _Launch(ledger, engine, needs, on_event, signals, clock=clock, together=together)
        try:
            launch.run()
        finally:
            launch.close()
    return launch.outcome()


@dataclass
class _Running:
    job: Job
    started: float | None = None  # None: the engine has no process for it yet
    late: bool = False  # killed because its time was up

    @property
    def jobs(self) -> tuple[Job, ...]:
        return self.job.all

    @property
    def seconds(self) -> float:
        return 0.0 if self.started is None else time.monotonic() - self.started

    @property
    def share(self) -> float:
        """Seconds of each of its jobs."""
        return self.seconds / len(self.jobs)


class _Launch:
    """One launch of a study: what runs, what has been tried, what stopped it."""

    def __init__(
        self,
        ledger: Ledger,
        engine: Engine,
        needs: NeedsOf,
        on_event: OnEvent,
        signals: Signals,
        *,
        clock: Clock,
        together: Together,
    ) -> None:
        self.ledger, self.folder, self.on_event = ledger, ledger.folder, on_event
        self.signals, self.clock = signals, clock
        self.overtime: dict[str, float] = {}  # jobs told to stop as the budget is spent, and when
        self.running: dict[str, _Running] = {}
        self.tried: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()  # how often the machine of a job was lost
        self.queue: list[Job] | None = None  # None: to be asked for again
        self.reports: list[tuple[str, int]] = []  # job keys and exit codes not yet looked at
        self.engine, self.needs = engine, needs
        self.together = together
        self.alone: set[str] = set()  # jobs that a process with others has left without a result
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
                    return  # closing the engine ends what still runs
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
        self.engine.close()

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
            busy = [job.key for running in self.running.values() for job in running.jobs]
            self.queue = self.ledger.next_jobs(busy)
        return self.queue

    def _submit(self) -> None:
        spoiled = self.ledger.spoiled
        while hopeless := [job for job in self._waiting() if job.features in spoiled]:
            self._end(hopeless[0], spoiled[str(hopeless[0].features)], seconds=0.0)
        waiting = self._waiting()
        while job := next((job for job in waiting if self.engine.takes(self.needs(job))), None):
            waiting.remove(job)
            job = self._with_others(job, waiting)
            limited = replace(job, memory_limit=self.ledger.study.memory_limit)
            self.engine.start(self.folder, limited, self.needs(job))
            self.running[job.key] = _Running(job)
            self._note_began()

    def _with_others(self, job: Job, waiting: list[Job]) -> Job:
        """The job, and beside it those of the waiting that its process trains too."""
        if job.key in self.alone:
            return job
        others = [other for other in waiting if other.key not in self.alone]
        job = self.together.gathered(job, others, self.needs)
        for each in job.beside:
            waiting.remove(each)
        return job

    def _note_began(self) -> None:
        for running in self.running.values():
            if running.started is None and not self.engine.waits(running.job.key):
                running.started = time.monotonic()
                for job in running.jobs:
                    self.on_event(Started(job))

    # What happens

    def _listen(self) -> None:
        try:
            self.reports.extend(self.engine.reports(0 if self.reports else TICK))
        except EngineEnded:
            self._bury_engine()
        self._note_began()
        while self.reports:  # a full disk may end this loop; what is left is heard next time
            key, code = self.reports.pop(0)
            running = self.running.pop(key)
            for job in running.jobs:
                self._ended(job, running, code)
        for running in self.running.values():
            limit = running.job.settings.training.get("timeout")
            if limit is not None and running.seconds > limit and not running.late:
                running.late = True
                self.engine.kill(running.job.key)
            if time.monotonic() - self.overtime.get(running.job.key, math.inf) > GRACE:
                self.engine.kill(running.job.key)

    def _ended(self, job: Job, running: _Running, code: int) -> None:
        """Note how a job ended; the first sentence below that holds is the true one."""
        seconds = running.share
        self.queue = None
        if self.ledger.take(job, seconds):
            return
        if running.job.key in self.overtime:
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
            lost = code == Exit.LOST
            tried, most = (self.lost, MOVES) if lost else (self.tried, TRIES)
            tried[job.key] += 1
            if ending.outside and tried[job.key] < most:
                self.on_event(Stopped(job))
                again = "starts again elsewhere" if lost else "is tried once more"
                self.on_event(Notice(f"{job.key}: {ending.error} It {again}."))
            elif running.job.beside:
                self.alone.add(job.key)
                self.on_event(Stopped(job))
                message = f"{job.key}: trained together with others, it {ending.status}"
                self.on_event(Notice(f"{message} ({ending.error}). It is now trained alone."))
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
        says = "The budget is spent: what still trains is stopped, and kept."
        self.on_event(BudgetSpent(says, ledger.study))
        self.queue = None
        for key, running in self.running.items():
            if running.job.kind != "test":
                self.overtime[key] = time.monotonic()
                self.engine.stop(key)

    def _stop(self) -> None:
        self.stopping = True
        for key in self.running:
            self.engine.stop(key)

    def _pause(self, cause: str) -> None:
        """Stop because nothing can be stored; what is complete stays, and so do checkpoints."""
        if self.paused is None:
            self.paused = f"Paused, nothing is lost: {cause} {self.ledger.room()}."
            self.on_event(Notice(self.paused))
            self._stop()

    def _bury_engine(self) -> None:
        """Start another engine; the jobs of the dead one ended with it and wait again."""
        early = not self.engine.ready
        trouble = self.engine.failure()
        self.deaths += 1
        if early and (self.deaths > EARLY or not self.engine.was_killed):
            raise trouble
        if self.deaths > RESTARTS:
            raise MachineTrouble(f"It died {self.deaths} times. {trouble}")
        self.on_event(Notice(f"{trouble} Another one takes over."))
        self.engine = self.engine.anew()
        for running in self.running.values():
            for job in running.jobs:
                if not self.ledger.take(job, running.share):
                    self.on_event(Stopped(job))
        self.running.clear()
        self.queue = None
