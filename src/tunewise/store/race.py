"""What a race under a budget has decided, as its folder keeps it for the reports.

The decisions follow from the study and its trials; this says them again, so that who reads the
folder need not decide anything. The clock is the one thing that follows from nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tunewise.core.errors import DamagedFile
from tunewise.core.files import read_hashed, write_hashed
from tunewise.store.json_record import OPTIONAL, JSONRecord, NotARecord

FOLDER = "race"
STANDING, CLOCK = "standing.json", "clock.json"

Ended = Literal["decided", "budget", "learned"]
"""Every pair is decided; the budget is spent; nothing more can be learned from further seeds."""

Why = Literal["behind", "equivalent", "open", "failed"]
"""Why a contender gets no further seeds. Only what is behind is not tested."""


@dataclass(frozen=True)
class Against(JSONRecord):
    """A contender beside the best of a look, on validation and over the seeds of both.

    `difference` is in the unit of the metric, below 0 where the contender is worse. `chance` is
    that of such a difference, or a larger one, were the contender as good as the best; below
    `level` it is dropped.
    """

    contender: str
    best: str = ""
    difference: float = 0.0
    chance: float = 1.0
    level: float = 0.0
    next_seed: float = 0.0  # chance that one more seed decides the two
    outlook: float = 0.0  # chance that all seeds of the list do
    # seeds in all that would show the difference, were it as seen, in 80 of 100 studies
    needed: int | None = None


@dataclass(frozen=True)
class Left(JSONRecord):
    """A contender that gets no further seeds, since which look and after how many seeds."""

    contender: str
    why: str = ""
    look: int = 0
    seeds: int = 0
    against: Against | None = None


@dataclass(frozen=True)
class RaceRecord(JSONRecord):
    """Where a race stands. Seconds are predicted ones, as the budget counts them."""

    seeds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # due, by contender
    looks: int = 0
    racing: tuple[str, ...] = ()  # who may get further seeds
    left: tuple[Left, ...] = ()
    open: tuple[Against, ...] = ()  # of the last look, the most promising first
    ended: str | None = None
    spent: float = 0.0
    budget: float = 0.0
    seed_seconds: Mapping[str, float] = field(default_factory=dict)  # of one more, by contender
    # whether the clock ended it, because predictions were too low
    by_clock: bool = field(default=False, metadata=OPTIONAL)

    @property
    def dropped(self) -> dict[str, Left]:
        """Who was shown to be behind, and is not tested."""
        return {one.contender: one for one in self.left if one.why == "behind"}


def read_race(study: Path) -> RaceRecord | None:
    """Where the race of a study folder stands; None without one, or where that is damaged.

    It is written anew when the study goes on.
    """
    with suppress(FileNotFoundError, DamagedFile, NotARecord):
        return RaceRecord.from_json(read_hashed(study / FOLDER / STANDING))
    return None


def write_race(study: Path, race: RaceRecord) -> None:
    """Keep where a race stands, unless that is there already. The caller holds the lock."""
    if race != read_race(study):
        (study / FOLDER).mkdir(exist_ok=True)
        write_hashed(study / FOLDER / STANDING, race.as_json())


def read_clock(study: Path) -> float:
    """Seconds that launches of this study have taken so far; 0 where nobody noted any."""
    with suppress(FileNotFoundError, DamagedFile, KeyError, TypeError, ValueError):
        return float(read_hashed(study / FOLDER / CLOCK)["seconds"])
    return 0.0


def write_clock(study: Path, seconds: float) -> None:
    """Note the seconds taken, this launch included. The caller holds the lock."""
    (study / FOLDER).mkdir(exist_ok=True)
    write_hashed(study / FOLDER / CLOCK, {"seconds": round(seconds, 1)})
