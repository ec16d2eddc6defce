"""A limit on the memory of this process, kept by looking at what it holds.

The system's own limit (RLIMIT_AS) counts addresses, of which torch reserves far more than it
ever fills; so what counts here is resident memory, the libraries' pages included.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunewise.core.units import written_bytes
from tunewise.costs.measure import peak_resident_bytes

OUT_OF_MEMORY = 71  # the exit code of a process that had to be ended
LOOK = 0.02  # seconds between two looks
GRACE = 2.0  # seconds that the exception gets to end what holds the memory
BEYOND = 1.25  # so many times the limit, and the process ends at once
FRACTION = 0.8  # of what is available, where no limit is stated


class OverLimit(MemoryError):
    """The process held more than its limit. The text is the same for every run."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"held more than the memory limit of {written_bytes(limit)}.")


@contextmanager
def memory_limit(limit: int | None) -> Iterator[None]:
    """Inside, `OverLimit` is raised in the main thread once the process holds more bytes.

    It comes when the library call that runs returns, so a single call may go beyond the limit;
    a process that holds `BEYOND` times as much ends at once, with exit code 71 and a last word.
    (A call that keeps Python's lock cannot be watched; torch's let go of it.)
    Does nothing without a limit, or where the system does not say what is held.
    """
    if limit is None or resident_bytes() is None:
        yield
        return

    def over(number: int, frame: object) -> None:
        raise OverLimit(limit)

    before = signal.signal(signal.SIGUSR1, over)
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(limit, ended), daemon=True)
    watch.start()
    try:
        yield
    finally:
        ended.set()
        watch.join()
        signal.signal(signal.SIGUSR1, before)


def _watch(limit: int, ended: threading.Event) -> None:
    warned = -GRACE
    while not ended.wait(LOOK):
        held = resident_bytes() or 0
        if held > BEYOND * limit:
            print(f"peak_resident {peak_resident_bytes()}", file=sys.stderr)
            print(OverLimit(limit), file=sys.stderr, flush=True)
            os._exit(OUT_OF_MEMORY)
        if held > limit and time.monotonic() - warned > GRACE:
            warned = time.monotonic()
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


def resident_bytes() -> int | None:
    """What this process holds now, or None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def available_bytes() -> int | None:
    """What could be had without swapping, or None where the system does not say."""
    found = []
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")]
        allowed = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        found += [int(allowed) - used] if allowed.isdigit() else []
    except (OSError, ValueError):
        pass  # no such system, or no such limit: what was found counts
    return min(found, default=None)
