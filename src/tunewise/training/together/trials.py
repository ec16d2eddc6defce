"""Trains several trials in one process, and leaves of each what it would leave alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from tunewise.backbones.model import Model
from tunewise.costs.measure import Stopwatch
from tunewise.store.trial_records import Job
from tunewise.training.ranks.group import Ranks
from tunewise.training.together.meeting import Apart, Meeting
from tunewise.training.trial.run import TrialRun


@dataclass(frozen=True)
class Member(Ranks):
    """One of the trials, which is computed by this process alone, but with others."""

    member: int = field(kw_only=True)
    meeting: Meeting = field(kw_only=True)

    @contextmanager
    def training(self, model: Model, stopwatch: Stopwatch) -> Iterator[None]:
        with self.meeting.place(self.member, model, stopwatch):
            yield

    def add_gradients(self, weights: Iterable[Tensor]) -> None:
        self.meeting.settle(self.member)


def train_together(jobs: Sequence[Job], study_folder: Path, stop: Callable[[], bool]) -> str:
    """Do several jobs, of trials that differ in learning rate, seed, rank or alpha alone.

    Each ends as it would alone, and early where it would: it diverges, or its loss falls no more.

    Returns:
        ``interrupted`` where one of them was, else ``done``; the results say how each ended.

    Raises:
        Exception: of a pass over all of them. Those that had not ended leave no result, and a
            checkpoint if they have saved one; each can be done alone.
    """
    meeting = Meeting(len(jobs))
    names = tuple(job.id for job in jobs)
    statuses: list[str] = []
    errors: list[BaseException] = []

    def train(member: int, job: Job) -> None:
        with meeting.turn:
            try:
                ranks = Member(together=names, member=member, meeting=meeting)
                statuses.append(TrialRun(job, study_folder, stop, ranks).run())
            except Apart:
                pass  # the pass has raised its own error
            except BaseException as error:
                errors.append(error)
            finally:
                meeting.leave(member)

    threads = [threading.Thread(target=train, args=given, daemon=True) for given in enumerate(jobs)]
    try:
        with meeting.turn:
            for thread in threads:
                thread.start()
            meeting.hold()
    finally:
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
    return "interrupted" if "interrupted" in statuses else "done"
