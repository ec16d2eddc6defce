"""What happens while a study runs, for whoever shows it. No torch."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tunewise.store.records import StudyRecord
from tunewise.store.trial_records import Job
from tunewise.store.trials import TrialRecord


@dataclass(frozen=True)
class Started:
    """A job has a process now."""

    job: Job


@dataclass(frozen=True)
class Finished:
    """A job is complete, whatever its status. `record` is None for features."""

    job: Job
    record: TrialRecord | None
    seconds: float


@dataclass(frozen=True)
class Stopped:
    """A job's process has ended before the job was complete; it may run again."""

    job: Job


@dataclass(frozen=True)
class Notice:
    """Something a person should read: a damaged folder, a retry, a full disk."""

    text: str


@dataclass(frozen=True)
class BudgetSpent(Notice):
    """The clock has ended the trainings, as `study` says from now on."""

    study: StudyRecord


@dataclass(frozen=True)
class Tick:
    """Nothing happened for a moment: time to look at the logs."""


Event = Started | Finished | Stopped | Notice | Tick
OnEvent = Callable[[Event], None]


class Signals:
    """Notes signals while it is entered, instead of letting them end the program.

    Only the main thread can hear signals; entered in another thread, it hears none.
    """

    def __init__(self, *numbers: int) -> None:
        """Those to listen to; Ctrl-C and SIGTERM if none are given."""
        self.numbers = numbers or (signal.SIGINT, signal.SIGTERM)
        self.heard: list[int] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        for number in self.numbers:
            try:
                self._before[number] = signal.signal(
                    number, lambda heard, frame: self.heard.append(heard)
                )
            except ValueError:  # not the main thread
                break
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
