"""What a machine can do, as it was measured and is remembered. No torch."""

from __future__ import annotations

import platform
import re
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from tunewise.core.cache import cache_folder
from tunewise.core.errors import DamagedFile
from tunewise.core.files import read_json, write_json

SIZE = 1024  # of the matrices of a rough measurement
ROUNDS = 3
SIDE_BY_SIDE = 2  # trainings that the search of two contenders is never short of
WORTH_IT = 0.8  # of a step's time: below it, other digits are worth the time they save
ROUGH_BYTES, ROUGH_OPERATION = 1e10, 5e-6  # a second, and seconds: of no weight beside products


@dataclass(frozen=True)
class Calibration:
    """The best that was seen of a machine with so many threads.

    `slowdown` is how many times longer real training steps took than these three say together.
    The same step was taken with products in bfloat16, and took `bfloat16_step` of the time.
    """

    threads: int
    flops_per_second: float  # of a large matrix product in float32
    bytes_per_second: float  # read and written by an element-wise operation
    seconds_per_operation: float  # of an operation on next to nothing
    slowdown: float = 1.0
    bfloat16_flops_per_second: float | None = None  # None: not measured
    bfloat16_slowdown: float = 1.0
    bfloat16_step: float = 1.0

    def computing_in(self, precision: str) -> Calibration:
        """What the machine can do where products are in this precision, as far as it is known."""
        if precision != "bfloat16" or self.bfloat16_flops_per_second is None:
            return self
        return replace(
            self,
            flops_per_second=self.bfloat16_flops_per_second,
            slowdown=self.bfloat16_slowdown,
        )

    def seconds(self, flops: int, moved_bytes: int, operations: int) -> float:
        """About how long such work takes; products are bound by arithmetic, the rest by memory."""
        ideal = (
            flops / self.flops_per_second
            + moved_bytes / self.bytes_per_second
            + operations * self.seconds_per_operation
        )
        return self.slowdown * ideal


def faster_precision(bfloat16_step: float) -> str:
    """The format for matrix products, where a step in bfloat16 takes so much of the time."""
    return "bfloat16" if bfloat16_step <= WORTH_IT else "float32"


def known_calibration(threads: int) -> Calibration | None:
    """What was measured on this machine, if it ever was."""
    try:
        return Calibration(**read_json(_path(threads)))
    except (OSError, DamagedFile, TypeError):
        return None


def one_core() -> Calibration:
    """Of one core of this machine, as it was measured or, where it never was, roughly."""
    return known_calibration(1) or rough_calibration()


def training_flops(workers: int) -> float:
    """Operations a second of trainings side by side; a search keeps few of them busy to its end."""
    core = one_core()
    return min(workers, SIDE_BY_SIDE) * core.flops_per_second / core.slowdown


def remember(calibration: Calibration) -> None:
    """Keep it in the user's cache, where there can be one."""
    with suppress(OSError):
        write_json(_path(calibration.threads), asdict(calibration))


def _path(threads: int) -> Path:
    host = re.sub(r"[^A-Za-z0-9.-]", "-", platform.node())
    return cache_folder() / "calibration" / f"{host}-{threads}.json"


def rough_calibration() -> Calibration:
    """One core's matrix products alone, by NumPy; takes about a tenth of a second.

    By the processor time of all threads that take part, so that it is that of one core.
    """
    a = np.ones((SIZE, SIZE), dtype=np.float32)
    seconds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        a @ a
        seconds.append(time.process_time() - start)
    return Calibration(1, 2 * SIZE**3 / max(min(seconds), 1e-6), ROUGH_BYTES, ROUGH_OPERATION)
