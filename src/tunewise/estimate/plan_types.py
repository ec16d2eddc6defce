"""What is known of a study and its contenders before any of it runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tunewise.core.format import duration
from tunewise.core.lazy import Later

if TYPE_CHECKING:
    from tunewise import notebook
else:  # what shows a plan lies above it, and is loaded when a notebook asks
    notebook = Later("tunewise.notebook")


@dataclass(frozen=True)
class Remedy:
    """A change of the settings with which a contender would fit, and what it then needs."""

    settings: str
    peak_bytes: int


@dataclass(frozen=True)
class Planned:
    """A contender before it runs. None where a prediction is not possible or not needed.

    `peak_bytes` is what its largest trial holds, `phase` when, `kinds` of what; the libraries
    come on top, once.
    """

    name: str
    trials: int
    parameters: dict[str, int] | None = None
    groups: dict[str, dict[str, int]] | None = None
    reduction: float | None = None  # what LoRA trains of the matrices it adapts, as a fraction
    artefact_bytes: int | None = None
    peak_bytes: int | None = None
    phase: str | None = None
    kinds: dict[str, int] | None = None
    phases: dict[str, int] | None = None  # bytes at the highest of each, libraries aside
    flops: dict[str, int] | None = None  # of the batches that were counted, by phase
    seconds: float = 0.0  # of one trial
    most_seconds: float = 0.0  # of one that ends only at its limit
    answering_seconds: float = 0.0  # of that, the evaluation after the training
    features_seconds: float = 0.0  # of a frozen backbone's outputs, once for all that share them
    solved: bool = False  # by no steps, so that no seed changes it
    note: str | None = None  # why nothing is predicted
    devices: int = 1  # that a trial computes on; `peak_bytes` is what each of them holds
    gathered_bytes: int = 0  # of weights in slices, what lies on a device whole at a time
    fits: bool = True
    remedies: tuple[Remedy, ...] = ()
    standing_bytes: int = 0  # weights, gradients, optimizer state: what no smaller batch lessens


@dataclass(frozen=True)
class Schedule:
    """How a budget would be spent, in seconds; each pair is as expected, and with every training of
    open length at its limit.
    """

    budget: float
    around: float  # preparing, stored features, the report
    search: tuple[float, float]
    round: tuple[float, float]  # of one more seed for every contender that has seeds
    tests: float  # of one seed of every contender
    seeds: tuple[int, int]  # that fit if none is dropped
    needed: float  # for one whole training of each contender and its test, as expected
    parts: dict[str, float] = field(default_factory=dict)  # of that, by contender
    trials: float | None = None  # of each contender, where the budget is given in them

    def without(self) -> list[str]:
        """The dearest contenders, without which the budget is enough."""
        left = self.needed
        out: list[str] = []
        for name in sorted(self.parts, key=lambda name: -self.parts[name]):
            if left <= self.budget or len(out) == len(self.parts) - 1:
                break
            left -= self.parts[name]
            out.append(name)
        return out if left <= self.budget else []


@dataclass(frozen=True)
class Plan:
    """What ``tunewise plan`` shows."""

    name: str
    contenders: tuple[Planned, ...]
    trials: int
    seeds: int
    workers: int
    seconds: float  # with every training of open length ending where it is expected to
    longest_seconds: float  # with each of them at its limit
    disk_bytes: int
    limit_bytes: int
    limit_is_set: bool
    libraries_bytes: int
    rows: dict[str, int]
    notes: tuple[str, ...] = ()
    calibration: dict[str, Any] = field(default_factory=dict)
    schedule: Schedule | None = None  # under a budget

    @property
    def time(self) -> str:
        return up_to(self.seconds, self.longest_seconds)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def _repr_html_(self) -> str:
        return notebook.plan_html(self)


def up_to(expected: float, most: float) -> str:
    """Seconds as they are expected, and their limit apart from it.

    >>> up_to(600, 1800), up_to(600, 600)
    ('10 min (at most 30 min)', '10 min')
    """
    one, other = duration(expected), duration(most)
    return one if one == other else f"{one} (at most {other})"
