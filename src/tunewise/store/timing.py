"""Where the seconds of a study's launches went, as its folder keeps it where that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tunewise.core.errors import DamagedFile
from tunewise.core.files import read_json, write_json
from tunewise.store.json_record import JSONRecord, NotARecord

TIMING = "timing.json"


@dataclass(frozen=True)
class LaunchTimes(JSONRecord):
    """One launch: `seconds` by the clock, of one part after the other, and `jobs`, those of all
    workers by what they did, their idle time included.
    """

    started: str
    workers: int = 1
    jobs_run: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    jobs: Mapping[str, float] = field(default_factory=dict)
    # from the start of the program to the first step of a training; None where there was none
    first_step: float | None = None


def read_timing(study: Path) -> list[LaunchTimes]:
    """Of every launch that was timed, the earliest first; what is damaged counts as none."""
    with suppress(FileNotFoundError, DamagedFile, NotARecord, KeyError, TypeError):
        launches = read_json(study / TIMING)["launches"]
        return [LaunchTimes.from_json(one) for one in launches]
    return []


def add_timing(study: Path, times: LaunchTimes) -> None:
    """Keep a launch beside those before."""
    launches = [*read_timing(study), times]
    write_json(study / TIMING, {"launches": [one.as_json() for one in launches]})
