"""How the process of a job tells its launcher what became of it. No torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from tunewise.core.errors import DamagedStudy
from tunewise.core.exits import exit_words, killed_words
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
    if (killed := killed_words(code)) is not None:
        return Ending("killed", f"{killed}.", outside=True)
    return Ending("failed", f"{exit_words(code)}.")
