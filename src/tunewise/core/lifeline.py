"""A process that ends with the one that started it, whatever that one dies of."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1  # linux/prctl.h
ON_LINUX = sys.platform == "linux"


def end_while_loading(lifeline: int) -> None:
    """Until `loaded`, end when the parent does; `lifeline` is a pipe that closes with it.

    Loading a library keeps Python's lock for seconds, in which no thread of ours can look; so on
    Linux the system ends us. There is no thread there, because we fork later. Elsewhere there is.
    """
    if ON_LINUX:
        _ask_for_death(signal.SIGKILL)
        if _closed([lifeline], 0):  # it died before we had asked
            _end()
    else:
        threading.Thread(target=_watch, args=([lifeline],), daemon=True).start()


def loaded() -> None:
    """From now on we read from the lifeline ourselves, and end in order when it closes."""
    if ON_LINUX:
        _ask_for_death(0)


def end_with(lifelines: Sequence[int]) -> None:
    """End when one of these pipes has no writer any more, with every process that we started.

    On Linux also when the parent dies, and then at once, whatever library has Python's lock.
    """
    if ON_LINUX:
        _ask_for_death(signal.SIGKILL)
    threading.Thread(target=_watch, args=(lifelines,), daemon=True).start()


def _ask_for_death(number: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def _watch(lifelines: Sequence[int]) -> None:
    _closed(lifelines, None)
    _end()


def _closed(lifelines: Sequence[int], milliseconds: int | None) -> bool:
    ends = select.poll()
    for handle in lifelines:
        ends.register(handle, 0)  # a hang-up is reported without being asked for
    return bool(ends.poll(milliseconds))


def _end() -> None:
    """The group is ours alone: a worker and a job each lead a session of their own."""
    os.killpg(0, signal.SIGKILL)
