"""What a launch asks of the engine that runs its jobs, wherever that is. No torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from tunewise.core.errors import MachineTrouble
from tunewise.studies.engines.gpus import Gpu

if TYPE_CHECKING:  # NumPy is not to be loaded before the engine has been started
    from tunewise.store.study import StudyFolder
    from tunewise.store.trial_records import Job


class EngineEnded(Exception):
    """The engine is dead, and its jobs end with it."""


@dataclass(frozen=True)
class Needs:
    """What a job takes of the machine it runs on, as it was predicted."""

    memory_bytes: int | None = None  # of its processes, libraries included; None: not predicted
    cores: int = 1  # one for each of its processes
    gpus: int = 0  # where there are any
    gpu_bytes: int | None = None  # of each GPU's memory, libraries aside; None: not predicted


class Engine(ABC):
    """Runs jobs, each in a process of its own, and says how each process ended.

    It knows places and processes, and nothing of studies: what is to run, how often something is
    tried and what an exit code means is decided by who asks. What a job makes are files in the
    study's folder. So an engine may die at any time, and another one goes on.

    It comes up while the caller does other things: `ready` says when it takes jobs. Closing it
    ends what still runs. An engine that is closed is not used again; `anew` is another one.
    """

    ready: bool = False
    # Whether jobs may run on other machines, which see of our files what lies on shared storage.
    elsewhere: bool = False
    cards: Sequence[Gpu] = ()  # the GPUs of this machine that jobs may use, where it uses them
    foresees: bool = False  # whether what a job is predicted to need decides where it runs

    @abstractmethod
    def places(self, wanted: int | None = None) -> int:
        """Settle how many jobs run side by side at most: as many as `wanted`, else what fits.

        Waits until the engine knows.

        Raises:
            EngineEnded: it never will.
        """

    @abstractmethod
    def takes(self, needs: Needs) -> bool:
        """Whether a job with these needs may start now. Never while the engine is not ready."""

    @abstractmethod
    def start(self, folder: StudyFolder, job: Job, needs: Needs) -> None:
        """Have a job of a study run as soon as can be."""

    @abstractmethod
    def waits(self, key: str) -> bool:
        """Whether a started job has no process yet; its time begins when it has."""

    @abstractmethod
    def stop(self, key: str) -> None:
        """Ask a job to save a checkpoint and end."""

    @abstractmethod
    def kill(self, key: str) -> None:
        """End a job now, with every process it started."""

    @abstractmethod
    def reports(self, seconds: float) -> list[tuple[str, int]]:
        """The jobs that have ended, as key and exit code; waits up to `seconds` for the first.

        A job that was started is reported once: also if it was stopped, killed or lost.

        Raises:
            EngineEnded: there will be no more.
        """

    @abstractmethod
    def close(self) -> str:
        """End the engine, and with it whatever still runs; how it ended, in words.

        Closing twice does no harm.
        """

    @property
    @abstractmethod
    def was_killed(self) -> bool:
        """Whether somebody else ended the engine, which is closed by now."""

    @abstractmethod
    def failure(self) -> MachineTrouble:
        """The error for an engine that ended by itself, with what it printed last."""

    @abstractmethod
    def anew(self) -> Engine:
        """Another engine of the same kind, with as many places."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
