"""What each phase of training took, as the trials measured it: memory by what holds it, seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
    by_name = {contender.name: contender for contender in evidence.contenders}
    found = (_phases(by_name[row.name]) for row in results.rows)
    return [one for one in found if one is not None]


def _phases(contender: Contender) -> Phases | None:
    costs = [trial.record.costs for trial in contender.finished]
    memories = [one["memory"] for one in costs if isinstance(one.get("memory"), Mapping)]
    steps = [one["step_seconds"] for one in costs if isinstance(one.get("step_seconds"), Mapping)]
    if not memories and not steps:
        return None
    peaks = [
        (int(memory["peak_bytes"][phase]), str(phase))
        for memory in memories
        if (phase := memory.get("peak_phase")) in (memory.get("peak_bytes") or {})
    ]
    peak, phase = max(peaks) if peaks else (None, None)
    return Phases(
        contender.name,
        contender.position,
        {part: int(max(told)) for part in HELD if (told := _known(memories, f"{part}_bytes"))},
        _peaks(memories),
        peak,
        phase,
        {part: float(np.mean(told)) for part in TIMED if (told := _known(steps, part))},
    )


def _peaks(memories: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    most: dict[str, int] = {}
    for memory in memories:
        for phase, value in (memory.get("peak_bytes") or {}).items():
            most[str(phase)] = max(int(value), most.get(str(phase), 0))
    return most


def _known(measured: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    return [one[key] for one in measured if isinstance(one.get(key), int | float)]
