"""What the exit code of a process says of its end. No torch."""

from __future__ import annotations

import signal

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


def killed_words(code: int) -> str | None:
    """How somebody else ended the process; None where nobody did.

    >>> killed_words(-15), killed_words(-11), killed_words(70)
    ('ended by SIGTERM', None, None)
    """
    number = signal_of(code)
    if number is None or number in OWN_SIGNALS:
        return None
    memory = ", most likely because memory ran out" if number == signal.SIGKILL else ""
    return f"{exit_words(code)}{memory}"
