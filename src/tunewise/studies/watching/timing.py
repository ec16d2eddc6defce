"""Where the seconds of a launch go: by the clock, and of the workers. No torch."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tunewise.store.identity import trial_of
from tunewise.store.log import LogTail
from tunewise.store.study import StudyFolder
from tunewise.store.timing import LaunchTimes
from tunewise.store.trial_records import Job, TrialCosts
from tunewise.store.trials import LOG
from tunewise.studies.events import Event, Finished, OnEvent, Started, Stopped

JOBS = "trials and tests"  # the part in which workers are busy
IDLE, AROUND, LOST, TEST, FEATURES = "idle", "processes", "stopped", "test", "features"


def program_seconds() -> float:
    """Since this process began, imports included; else what it had of the processor."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        began = int(fields[19]) / os.sysconf("SC_CLK_TCK")  # after the machine did
        return float(Path("/proc/uptime").read_text().split()[0]) - began
    except (OSError, ValueError, IndexError):
        return time.process_time()


class Timing:
    """Follows a launch: `begin` names what starts now, and ends what went before."""

    def __init__(self, before: float = 0.0) -> None:
        """`before` are the seconds that the program took until now, which are its start."""
        self.started = datetime.now(UTC)
        self.before = before
        self.seconds: dict[str, float] = {"start": before}
        self.jobs: dict[str, float] = defaultdict(float)
        self.jobs_run = 0
        self.workers = 1
        self.first_step: float | None = None
        self._began = self._since = time.monotonic()
        self._part = "start"
        self._known: dict[str, Mapping[str, float]] = {}  # seconds of trials before this launch
        self._running: dict[str, float] = {}  # when each job began
        self._logs: dict[str, LogTail] = {}

    def begin(self, part: str) -> None:
        now = time.monotonic()
        self.seconds[self._part] = self.seconds.get(self._part, 0.0) + now - self._since
        self._part, self._since = part, now

    def watch(
        self, folder: StudyFolder, workers: int, on_event: OnEvent = lambda event: None
    ) -> OnEvent:
        """Begin with the jobs of a study; what is told of each also tells `on_event`."""
        self.folder, self.workers = folder, workers
        records = folder.records().values()
        for one in sorted(records, key=lambda record: record.costs.total_seconds or 0.0):
            self._known[trial_of(one.id)] = one.costs.seconds  # the last record tells of all
        self.begin(JOBS)

        def hear(event: Event) -> None:
            self.hear(event)
            on_event(event)

        return hear

    def hear(self, event: Event) -> None:
        match event:
            case Started(job):
                self._running[job.key] = time.monotonic()
                if job.kind == "trial":
                    log = self.folder.path / "trials" / trial_of(job.id) / LOG
                    self._logs[job.key] = LogTail(log)
                    self._logs[job.key].read()  # what an earlier launch wrote
            case Finished(job, record, _):
                self.jobs_run += 1
                self._look_for_a_step()
                self._count(job, record.costs if record else TrialCosts())
            case Stopped(job):
                self.jobs[LOST] += self._took(job)
            case _:
                self._look_for_a_step()

    def times(self) -> LaunchTimes:
        """What was seen so far; the part that runs is counted until now."""
        self.begin(self._part)
        jobs = dict(self.jobs)
        if JOBS in self.seconds:
            jobs[IDLE] = max(0.0, self.workers * self.seconds[JOBS] - sum(jobs.values()))
        return LaunchTimes(
            started=self.started.isoformat(timespec="seconds"),
            workers=self.workers,
            jobs_run=self.jobs_run,
            seconds={part: round(seconds, 3) for part, seconds in self.seconds.items()},
            jobs={part: round(seconds, 3) for part, seconds in jobs.items()},
            first_step=None if self.first_step is None else round(self.first_step, 3),
        )

    def _look_for_a_step(self) -> None:
        if self.first_step is None:
            for log in self._logs.values():
                if any(event["event"] == "step" for event in log.read()):
                    self.first_step = self.before + time.monotonic() - self._began

    def _count(self, job: Job, costs: TrialCosts) -> None:
        """A job's phases, as its record tells them: without what earlier launches took of it."""
        seconds = costs.seconds
        took = self._took(job) / max(1, len(costs.together))
        if job.kind != "trial":
            self.jobs[TEST if job.kind == "test" else FEATURES] += took
            return
        earlier = self._known.get(trial_of(job.id), {})
        phases = {
            name: max(0.0, value - earlier.get(name, 0.0))
            for name, value in seconds.items()
            if name != "total"
        }
        self._known[trial_of(job.id)] = seconds
        told = sum(phases.values())
        part = min(1.0, took / told) if told else 1.0  # resumed from a checkpoint of before
        for name, value in phases.items():
            self.jobs[name] += part * value
        self.jobs[AROUND] += max(0.0, took - told)

    def _took(self, job: Job) -> float:
        self._logs.pop(job.key, None)
        now = time.monotonic()
        return now - self._running.pop(job.key, now)
