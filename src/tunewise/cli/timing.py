"""Where the seconds of a launch went, as lines."""

from __future__ import annotations

from collections.abc import Iterator

from tunewise.core.format import duration, percent, plural
from tunewise.store.timing import LaunchTimes
from tunewise.studies.watching.timing import AROUND, FEATURES, IDLE, JOBS, LOST, TEST

PARTS = {
    "start": "libraries, reading the study file",
    "preparing": "data, models, trying methods on them",
    JOBS: "the workers, whose seconds follow",
    "report": "computing and writing it",
    "results": "verdict and table",
    "load": "building models, reading texts",
    FEATURES: "running frozen backbones",
    "train": "steps, or fitting",
    "evaluate": "answering validation",
    "save": "weights and checkpoints",
    TEST: "loading, answering the test split",
    AROUND: "their start, writing results",
    LOST: "jobs that did not end",
    IDLE: "no job to do, or still loading",
}


def lines(times: LaunchTimes) -> Iterator[str]:
    """The table: parts of the launch by the clock, and below their part those of the workers."""
    whole = sum(times.seconds.values())
    yield f"{'part':<20}{'seconds':>11}{'fraction':>10}"
    for part, seconds in times.seconds.items():
        yield _line(part, seconds, whole, "")
        if part == JOBS:
            of_workers = sum(times.jobs.values())
            known = [one for one in PARTS if one in times.jobs]
            for one in [*known, *(one for one in times.jobs if one not in PARTS)]:
                yield _line(one, times.jobs[one], of_workers, "  ")
    yield f"{'total':<20}{duration(whole):>11}"
    many = f"{plural(times.jobs_run, 'job')} of {plural(times.workers, 'worker')}"
    yield f"Indented: {many}, their seconds added up and as a fraction of them."
    if times.first_step is not None:
        yield f"The first step of a training was done after {duration(times.first_step)}."


def _line(part: str, seconds: float, whole: float, indent: str) -> str:
    fraction = f"{percent(seconds / whole, digits=0)} %" if whole else ""
    says = PARTS.get(part, "")
    return f"{indent + part:<20}{duration(seconds):>11}{fraction:>10}   {says}".rstrip()
