"""How long answers take: one at a time, and at the batch size with the highest throughput."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Input = TypeVar("Input")

SIZES = (1, 2, 4, 8, 16, 32, 64)
LEAST = 5  # batches of each size that are timed
MOST_EXAMPLES = 64  # that are timed of a size


@dataclass(frozen=True)
class Latency:
    """Seconds of a batch: the median and the 95th percentile over the timed batches."""

    batch_size: int
    median_seconds: float
    p95_seconds: float

    @property
    def examples_per_second(self) -> float:
        return self.batch_size / self.median_seconds


def timed(
    answer: Callable[[Sequence[Input]], object],
    examples: Sequence[Input],
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Latency, Latency]:
    """At batch 1, and at the best size: doubled from 1 while that answers more in a second.

    The first batch of each size is not counted: libraries allocate in it.
    """
    one = best = _of_size(answer, examples, 1, clock)
    for size in SIZES[1:]:
        if size > len(examples):
            break
        tried = _of_size(answer, examples, size, clock)
        if tried.examples_per_second <= best.examples_per_second:
            break
        best = tried
    return one, best


def _of_size(
    answer: Callable[[Sequence[Input]], object],
    examples: Sequence[Input],
    size: int,
    clock: Callable[[], float],
) -> Latency:
    seconds = []
    for number in range(1 + max(LEAST, MOST_EXAMPLES // size)):
        start = number * size % max(1, len(examples) - size + 1)
        batch = examples[start : start + size]
        begin = clock()
        answer(batch)
        seconds.append(clock() - begin)
    kept = seconds[1:]
    return Latency(size, float(np.median(kept)), float(np.quantile(kept, 0.95)))
