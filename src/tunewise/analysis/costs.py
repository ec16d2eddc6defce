"""What each contender costs, next to what it scores, and where memory and time of a step go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tunewise.analysis.evidence import Contender, Evidence
from tunewise.analysis.results import Results, Row
from tunewise.core.format import count, duration, milliseconds, size
from tunewise.statistics.metrics import upward


@dataclass(frozen=True)
class Cost:
    """What a row costs in one quantity, and its amount as people read it."""

    of: Callable[[Row], float | None]
    words: Callable[[float], str]


COSTS = {
    "parameters": Cost(lambda row: row.trainable, lambda number: count(int(number))),
    "memory": Cost(lambda row: row.measured.peak_bytes, lambda number: size(int(number))),
    "time": Cost(lambda row: row.measured.seconds, duration),
    "artefact": Cost(lambda row: row.measured.artefact_bytes, lambda number: size(int(number))),
    "latency": Cost(
        lambda row: row.measured.latency_seconds, lambda number: f"{milliseconds(number)} ms"
    ),
}


def has_costs(evidence: Evidence, results: Results) -> bool:
    """Whether anything is known of what rows cost: of runs made elsewhere, often nothing is."""
    known = any(row.parameters or row.measured.seconds is not None for row in results.rows)
    return known or evidence.study.elsewhere is None


def other_bytes(contender: Contender) -> dict[str, int]:
    """The most that any seed needed, of every other number of bytes it wrote down."""
    most: dict[str, int] = {}
    for trial in contender.finished:
        for name, value in trial.record.costs.bytes.others.items():
            most[name] = max(value, most.get(name, 0))
    return most


@dataclass(frozen=True)
class Placed:
    """A row as a point: its cost, its score, and whether no other row beats it in both."""

    row: Row
    cost: float
    score: float
    front: bool


def placed(results: Results, cost: str) -> list[Placed]:
    """The rows that have both a score and that cost, a key of `COSTS`."""
    points = [
        (row, value, spread.mean)
        for row in results.rows
        if (value := COSTS[cost].of(row)) and (spread := results.headline(row))
    ]
    front = pareto([(value, upward(results.metric, score)) for _, value, score in points])
    return [
        Placed(row, value, score, on) for (row, value, score), on in zip(points, front, strict=True)
    ]


def pareto(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Whether each (cost, quality) is beaten by none: no other is as good for less, or better for
    as much.

    >>> pareto([(1, 0.5), (2, 0.7), (3, 0.6), (2, 0.7)])
    [True, True, False, True]
    """
    return [
        not any(
            (other <= cost and better >= quality) and (other < cost or better > quality)
            for other, better in points
        )
        for cost, quality in points
    ]


HELD = ("weights", "gradients", "optimizer", "activations")
TIMED = ("forward", "backward", "update")


@dataclass(frozen=True)
class Phases:
    """One contender: the most bytes that any seed held, and seconds of a step, means over seeds.

    `held` are the bytes of `HELD`, activations those alive when the backward pass begins. `peaks`
    are the largest sums within each phase; `peak` is the largest of them, reached in `peak_phase`.
    What was not measured is missing from `held`, `peaks` and `seconds`.
    """

    name: str
    position: int
    held: Mapping[str, int]
    peaks: Mapping[str, int]
    peak: int | None
    peak_phase: str | None
    seconds: Mapping[str, float]


ALLOCATED, RESERVED = "allocated", "reserved"


@dataclass(frozen=True)
class DevicePeaks:
    """One contender: the most bytes of a GPU that any seed took in each phase that was counted.

    `allocated` is what tensors had, `reserved` what the process kept from the card for them.
    """

    name: str
    allocated: Mapping[str, int]
    reserved: Mapping[str, int]

    @property
    def most_allocated(self) -> int:
        return max(self.allocated.values())

    @property
    def most_reserved(self) -> int:
        return max(self.reserved.values())


def device_peaks(evidence: Evidence, results: Results) -> list[DevicePeaks]:
    """The contenders whose trials ran on a GPU, in the order of the results."""
    found = []
    for row in results.rows:
        costs = [trial.record.costs for trial in evidence.by_name[row.name].finished]
        seen = [one.memory.device for one in costs if one.memory and one.memory.device]
        if not seen:
            continue
        phases = dict.fromkeys(phase for one in seen for phase in one)
        most = {
            kind: {
                phase: max(one[phase].get(kind, 0) for one in seen if phase in one)
                for phase in phases
            }
            for kind in (ALLOCATED, RESERVED)
        }
        found.append(DevicePeaks(row.name, most[ALLOCATED], most[RESERVED]))
    return found


def phases_of(evidence: Evidence, results: Results) -> list[Phases]:
    """The contenders whose trials measured their phases, in the order of the results."""
    found = []
    for row in results.rows:
        contender = evidence.by_name[row.name]
        costs = [trial.record.costs for trial in contender.finished]
        memories = [one.memory for one in costs if one.memory is not None]
        steps = [one.step_seconds for one in costs if one.step_seconds is not None]
        if not memories and not steps:
            continue
        held = {part: [getattr(one, f"{part}_bytes") for one in memories] for part in HELD}
        known = {part: [size for size in sizes if size is not None] for part, sizes in held.items()}
        seconds = {part: [one[part] for one in steps if part in one] for part in TIMED}
        peaks: dict[str, int] = {}
        for memory in memories:
            for phase, value in (memory.peak_bytes or {}).items():
                peaks[phase] = max(value, peaks.get(phase, 0))
        reached = [
            (memory.peak_bytes[phase], phase)
            for memory in memories
            if (phase := memory.peak_phase or "") in memory.peak_bytes
        ]
        peak, peak_phase = max(reached) if reached else (None, None)
        found.append(
            Phases(
                contender.name,
                contender.position,
                {part: max(sizes) for part, sizes in known.items() if sizes},
                peaks,
                peak,
                peak_phase,
                {part: float(np.mean(times)) for part, times in seconds.items() if times},
            )
        )
    return found
