"""What each phase of training took, as the trials measured it: memory by what holds it, seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tunewise.reports.facts.evidence import Contender, Evidence
from tunewise.reports.facts.results import Results

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


def phases_of(evidence: Evidence, results: Results) -> list[Phases]:
    """The contenders whose trials measured their phases, in the order of the results."""
    found = (_phases(evidence.by_name[row.name]) for row in results.rows)
    return [one for one in found if one is not None]


def _phases(contender: Contender) -> Phases | None:
    costs = [trial.record.costs for trial in contender.finished]
    memories = [one.memory for one in costs if one.memory is not None]
    steps = [one.step_seconds for one in costs if one.step_seconds is not None]
    if not memories and not steps:
        return None
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
    return Phases(
        contender.name,
        contender.position,
        {part: max(sizes) for part, sizes in known.items() if sizes},
        peaks,
        peak,
        peak_phase,
        {part: float(np.mean(times)) for part, times in seconds.items() if times},
    )
