"""How the process of a job tells its launcher what became of it. No torch."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from tunewise.core.errors import DamagedStudy
from tunewise.core.outside import is_full, is_outside
from tunewise.costs import limit


class Exit(IntEnum):
    """Exit codes of a job's process; a negative code is the signal that ended it."""

    COMPLETE = 0  # the folder carries its marker; its status stands in the result
    FAILED = 70  # an exception; the traceback stands in the output
    OUT_OF_MEMORY = limit.OUT_OF_MEMORY
    BUSY = 73  # a process of an earlier launch still holds the trial
    DISK_FULL = 74
    INTERRUPTED = 75  # asked to stop; a checkpoint is saved
    OUTSIDE = 76  # an exception with a cause outside: a missing file, a disk that cannot be read
    DAMAGED = 77  # a file of the study is not what was written
    LOST = 78  # no process says so: the machine that ran it is gone, or the way to it


# What a process does to itself. Every other signal came from somebody else: a person, the system
# that is out of memory, a cluster that wants its machine back.
OWN_SIGNALS = {
    signal.SIGSEGV,
    signal.SIGABRT,
    signal.SIGILL,
    signal.SIGFPE,
    signal.SIGTRAP,
    signal.SIGSYS,
}


@dataclass(frozen=True)
class Ending:
    """How a job ended that left no result of its own.

    By its own doing, which it would do again: that is its result. Or by something `outside` of
    it, which says nothing about it: it leaves no result, and the next launch tries it again.
    """

    status: str
    error: str
    outside: bool = False


def exit_of(error: BaseException) -> Exit:
    """The exit code of a process that an exception ended."""
    if isinstance(error, MemoryError):
        return Exit.OUT_OF_MEMORY
    if isinstance(error, DamagedStudy):
        return Exit.DAMAGED
    if is_full(error):
        return Exit.DISK_FULL
    return Exit.OUTSIDE if is_outside(error) else Exit.FAILED


def ending_of(code: int, last_words: Callable[[], str]) -> Ending:
    """What an exit code means for a job that left no result; `last_words` is what it printed.

    >>> ending_of(-9, lambda: "").outside, ending_of(-11, lambda: "").outside
    (True, False)
    """
    match code:
        case Exit.OUT_OF_MEMORY:
            return Ending("out-of-memory", last_words())
        case Exit.FAILED | Exit.OUTSIDE:
            return Ending("failed", last_words(), outside=code == Exit.OUTSIDE)
        case Exit.COMPLETE:
            return Ending("failed", "ended without an error and left no result.")
        case Exit.INTERRUPTED | Exit.LOST:
            stopped = code == Exit.INTERRUPTED
            cause = "told to stop from outside." if stopped else "the machine that ran it was lost."
            return Ending("killed", cause, outside=True)
    number = signal_of(code)
    if number is None or number in OWN_SIGNALS:
        return Ending("failed", f"{exit_words(code)}.")
    memory = ", most likely because memory ran out" if number == signal.SIGKILL else ""
    return Ending("killed", f"{exit_words(code)}{memory}.", outside=True)


def signal_of(code: int) -> signal.Signals | None:
    """The signal that ended a process; the shell's way of saying it is 128 + n."""
    try:
        return signal.Signals(-code if code < 0 else code - 128)
    except ValueError:
        return None


def exit_words(code: int) -> str:
    """An exit code in words.

    >>> exit_words(-11), exit_words(137), exit_words(70)
    ('ended by SIGSEGV', 'ended by SIGKILL', 'ended with exit code 70')
    """
    number = signal_of(code)
    return f"ended with exit code {code}" if number is None else f"ended by {number.name}"
