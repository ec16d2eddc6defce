"""How long answers take: one at a time, and at the batch size with the highest throughput."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from tunewise.store.trial_records import LatencyRecord

Input = TypeVar("Input")

SIZES = (1, 2, 4, 8, 16, 32, 64)
LEAST = 5  # batches of each size that are timed, where they are fast
FEWEST = 2  # where they are not
MOST_SECONDS = 1.0  # after which a size is not timed further
IN_ALL = 10.0  # seconds after which no larger size is tried


def timed(
    answer: Callable[[Sequence[Input]], object],
    examples: Sequence[Input],
    *,
    most: int = 64,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[LatencyRecord, LatencyRecord]:
    """At batch 1, and at the best size: doubled from 1 while that answers more in a second.

    The first batch of each size is not counted: libraries allocate in it. Of each size about
    `most` examples are timed, fewer where answers are slow.
    """
    begin = clock()
    one = best = _of_size(answer, examples, 1, most, clock)
    for size in SIZES[1:]:
        if size > len(examples) or clock() - begin > IN_ALL:
            break
        tried = _of_size(answer, examples, size, most, clock)
        if tried.examples_per_second <= best.examples_per_second:
            break
        best = tried
    return one, best


def _of_size(
    answer: Callable[[Sequence[Input]], object],
    examples: Sequence[Input],
    size: int,
    most: int,
    clock: Callable[[], float],
) -> LatencyRecord:
    seconds: list[float] = []
    for number in range(1 + max(LEAST, most // size)):
        if len(seconds) > FEWEST and sum(seconds) > MOST_SECONDS:
            break
        start = number * size % max(1, len(examples) - size + 1)
        batch = examples[start : start + size]
        begin = clock()
        answer(batch)
        seconds.append(clock() - begin)
    kept = seconds[1:]
    return LatencyRecord(size, float(np.median(kept)), float(np.quantile(kept, 0.95)))
