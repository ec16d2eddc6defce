"""How the process of a job tells its launcher what became of it. No torch."""

from __future__ import annotations

import signal
from enum import IntEnum

from tunewise.costs import limit


class Exit(IntEnum):
    """Exit codes of a job's process; a negative code is the signal that ended it."""

    COMPLETE = 0  # the folder carries its marker; its status stands in the result
    FAILED = 70  # an exception; the traceback stands in the output
    OUT_OF_MEMORY = limit.OUT_OF_MEMORY
    BUSY = 73  # a process of an earlier launch still holds the trial
    DISK_FULL = 74
    INTERRUPTED = 75  # told to stop; a checkpoint is saved
    DAMAGED = 76  # a file of the study is not what was written


# The shell's way of saying "ended by signal n" is 128 + n.
KILLED = {
    -signal.SIGKILL,
    128 + signal.SIGKILL,
    -signal.SIGTERM,
    128 + signal.SIGTERM,
    Exit.INTERRUPTED,
}


def said(code: int) -> str:
    """An exit code in words.

    >>> said(-11), said(137), said(70)
    ('ended by SIGSEGV', 'ended by SIGKILL', 'ended with exit code 70')
    """
    number = -code if code < 0 else code - 128
    try:
        return f"ended by {signal.Signals(number).name}"
    except ValueError:
        return f"ended with exit code {code}"
