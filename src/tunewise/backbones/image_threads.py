"""Work on several cores whose result does not depend on how many there are.

A trial computes on one thread, so that its results are the same on any machine. What a frozen
encoder makes of one batch does not depend on any other batch: each is computed by one thread,
whichever is free, and comes out the same.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

Part = TypeVar("Part")
Made = TypeVar("Made")

NICE = 10  # of a helper: it takes a core that is idle, and a tenth of one that a trial is on

_helpers = 0


def use_helpers(count: int) -> None:
    """How many threads may help this process from now on. As torch's own number of threads."""
    global _helpers  # noqa: PLW0603  # one number for the process, as the cores are
    _helpers = count


def side_by_side(work: Callable[[Part], Made], parts: Sequence[Part]) -> list[Made]:
    """What `work` makes of each part, in their order, with the help this process was given."""
    found: dict[int, Made] = {}
    waiting = iter(range(len(parts)))

    def take() -> None:
        try:
            for place in waiting:  # each number goes to one thread
                found[place] = work(parts[place])
        except BaseException:
            for _ in waiting:  # nobody begins another part
                pass
            raise

    helpers = min(_helpers, len(parts) - 1)
    if helpers < 1:
        take()
    else:
        with ThreadPoolExecutor(helpers, initializer=_step_back) as pool:
            helping = [pool.submit(take) for _ in range(helpers)]
            take()
            for one in helping:
                one.result()
    return [found[place] for place in range(len(parts))]


def _step_back() -> None:
    """Let this thread run on any core of the launcher's, behind what else runs there."""
    with suppress(OSError, AttributeError):  # where threads have no cores or ranks of their own
        os.sched_setaffinity(0, os.sched_getaffinity(os.getppid()))
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
