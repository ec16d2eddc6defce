"""What this machine can do: matrix products and moved bytes a second, measured once.

One thread is measured by the processor time that it took, not by the clock: what else runs on the
machine takes turns with it, and would be remembered as a slow machine for ever after.
"""

from __future__ import annotations

import platform
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from tunewise.core.cache import cache_folder
from tunewise.core.errors import DamagedFile
from tunewise.core.files import read_json, write_json

SIZE = 1024  # of the matrices: large enough that nothing but arithmetic counts
LENGTH = 1 << 22  # of the vectors: larger than the caches
ROUNDS = 5
MORE_ROUNDS = 20  # of what takes a few milliseconds
DRIFT = 1.5  # times as fast or as slow as remembered: then it is measured anew

Clock = Callable[[], float]


@dataclass(frozen=True)
class Calibration:
    """The best that was seen of a machine with so many threads.

    `slowdown` is how many times longer real training steps took than these three say together.
    """

    threads: int
    flops_per_second: float  # of a large matrix product in float32
    bytes_per_second: float  # read and written by an element-wise operation
    seconds_per_operation: float  # of an operation on next to nothing
    slowdown: float = 1.0

    def seconds(self, flops: int, moved_bytes: int, operations: int) -> float:
        """About how long such work takes; products are bound by arithmetic, the rest by memory."""
        ideal = (
            flops / self.flops_per_second
            + moved_bytes / self.bytes_per_second
            + operations * self.seconds_per_operation
        )
        return self.slowdown * ideal


def calibrate() -> Calibration:
    """Measure with the threads that this process has; takes about two seconds."""
    x, y = torch.randn(LENGTH), torch.empty(LENGTH)
    few, rounds = torch.randn(4), MORE_ROUNDS
    return Calibration(
        threads=torch.get_num_threads(),
        flops_per_second=_products(ROUNDS),
        bytes_per_second=2 * 4 * LENGTH / _best(lambda: torch.mul(x, 2.0, out=y), rounds),
        seconds_per_operation=_best(lambda: [few + 1 for _ in range(1000)], rounds) / 1000,
    )


def clock_of(threads: int) -> Clock:
    """What tells how long work takes on so many threads of this process."""
    return time.thread_time if threads == 1 else time.perf_counter


def confirmed_calibration(threads: int) -> Calibration | None:
    """What was measured on this machine, unless it is another one by now.

    A virtual machine moves, a laptop saves its battery. Takes a fraction of a second.
    """
    known = known_calibration(threads)
    if known is None:
        return None
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        drift = _products(2) / known.flops_per_second
    finally:
        torch.set_num_threads(before)
    return known if 1 / DRIFT < drift < DRIFT else None


def known_calibration(threads: int) -> Calibration | None:
    """What was measured on this machine, if it ever was."""
    try:
        return Calibration(**read_json(_path(threads)))
    except (OSError, DamagedFile, TypeError):
        return None


def remember(calibration: Calibration) -> None:
    """Keep it in the user's cache, where there can be one."""
    with suppress(OSError):
        write_json(_path(calibration.threads), asdict(calibration))


def _path(threads: int) -> Path:
    host = re.sub(r"[^A-Za-z0-9.-]", "-", platform.node())
    return cache_folder() / "calibration" / f"{host}-{threads}.json"


def _products(rounds: int) -> float:
    """Floating-point operations a second of a large matrix product."""
    a, b = torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE)
    return 2 * SIZE**3 / _best(lambda: a @ b, rounds)


def _best(work: Callable[[], object], rounds: int) -> float:
    """Seconds of the fastest of a few rounds: whatever else runs can only slow it down."""
    clock = clock_of(torch.get_num_threads())
    work()
    seconds = []
    for _ in range(rounds):
        start = clock()
        work()
        seconds.append(clock() - start)
    return min(seconds)
