"""What this machine can do: matrix products and moved bytes a second, measured once.

One thread is measured by the processor time that it took, not by the clock: what else runs on the
machine takes turns with it, and would be remembered as a slow machine for ever after.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from tunewise.costs.calibration import Calibration, known_calibration

SIZE = 1024  # of the matrices: large enough that nothing but arithmetic counts
LENGTH = 1 << 22  # of the vectors: larger than the caches
ROUNDS = 5
MORE_ROUNDS = 20  # of what takes a few milliseconds
DRIFT = 1.5  # times as fast or as slow as remembered: then it is measured anew

Clock = Callable[[], float]


def calibrate() -> Calibration:
    """Measure with the threads that this process has; takes about two seconds."""
    x, y = torch.randn(LENGTH), torch.empty(LENGTH)
    few, rounds = torch.randn(4), MORE_ROUNDS
    return Calibration(
        threads=torch.get_num_threads(),
        flops_per_second=_products(ROUNDS),
        bytes_per_second=2 * 4 * LENGTH / _best(lambda: torch.mul(x, 2.0, out=y), rounds),
        seconds_per_operation=_best(lambda: [few + 1 for _ in range(1000)], rounds) / 1000,
        bfloat16_flops_per_second=_products(ROUNDS, torch.bfloat16),
    )


def bfloat16_on_card() -> float:
    """The time of a large matrix product in bfloat16 on a GPU over that in float32."""
    seconds = {}
    for kind in (torch.float32, torch.bfloat16):
        a = torch.randn(SIZE, SIZE, device="cuda").to(kind)
        b = a.clone()

        def product(a: Tensor = a, b: Tensor = b) -> None:
            for _ in range(MORE_ROUNDS):
                torch.mm(a, b)
            torch.cuda.synchronize()

        seconds[kind] = _best(product, ROUNDS, time.perf_counter)
    return seconds[torch.bfloat16] / seconds[torch.float32]


def clock_of(threads: int) -> Clock:
    """What tells how long work takes on so many threads of this process."""
    return time.thread_time if threads == 1 else time.perf_counter


def confirmed_calibration(threads: int) -> Calibration | None:
    """What was measured on this machine, unless it is another one by now.

    A virtual machine moves, a laptop saves its battery. Takes a fraction of a second.
    """
    known = known_calibration(threads)
    if known is None or known.bfloat16_flops_per_second is None:  # an older version's
        return None
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        drift = _products(2) / known.flops_per_second
    finally:
        torch.set_num_threads(before)
    return known if 1 / DRIFT < drift < DRIFT else None


def _products(rounds: int, kind: torch.dtype = torch.float32) -> float:
    """Floating-point operations a second of a large matrix product."""
    a, b = torch.randn(SIZE, SIZE).to(kind), torch.randn(SIZE, SIZE).to(kind)
    return 2 * SIZE**3 / _best(lambda: a @ b, rounds)


def _best(work: Callable[[], object], rounds: int, clock: Clock | None = None) -> float:
    """Seconds of the fastest of a few rounds: whatever else runs can only slow it down."""
    clock = clock or clock_of(torch.get_num_threads())
    work()
    seconds = []
    for _ in range(rounds):
        start = clock()
        work()
        seconds.append(clock() - start)
    return min(seconds)
