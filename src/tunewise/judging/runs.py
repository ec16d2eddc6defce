"""What a file says of a run, before it is known what all of them have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tunewise.core.canonical import Settings
from tunewise.core.errors import InputError, Problem
from tunewise.core.format import first_of, plural
from tunewise.data.table import twice_in
from tunewise.store.records import Environment, ParameterCounts
from tunewise.store.trial_records import EpochRecord


@dataclass(frozen=True)
class Sheet:
    """What one run answered, as its file has it; columns that it lacks are None.

    Shapes:
        ids            (examples,)  each once; numbers of the rows where the file names none
        labels         (examples,)  the right class, or the right texts
        predictions    (examples,)  the class or the text that was given
        scores         (examples,)  what another program gave each answer
        probabilities  (examples,)  of each class by name, or in the order of the classes

    `scored_by` is what the file calls its scores, `numbered` whether it names no examples.

    Raises:
        InputError: an id twice.
    """

    ids: tuple[str, ...]
    labels: Sequence[Any] | None = None
    predictions: Sequence[Any] | None = None
    scores: Sequence[float] | None = None
    probabilities: Sequence[Any] | None = None
    scored_by: str = "score"
    numbered: bool = False
    place: str = ""

    def __post_init__(self) -> None:
        if twice := twice_in(self.ids):
            message = (
                f"{plural(len(twice), 'id')} {'stands' if len(twice) == 1 else 'stand'} there more "
                f"than once ({first_of(twice)}). Each "
                "example has one row; of several answers to it, keep the one that counts."
            )
            raise InputError([Problem(self.place, message)])

    def of(self, kept: Sequence[str]) -> Sheet:
        """The rows of these examples alone, in this order."""
        at = {id: place for place, id in enumerate(self.ids)}
        order = [at[id] for id in kept]

        def picked(column: Sequence[Any] | None) -> list[Any] | None:
            return None if column is None else [column[place] for place in order]

        return replace(
            self,
            ids=tuple(kept),
            labels=picked(self.labels),
            predictions=picked(self.predictions),
            scores=picked(self.scores),
            probabilities=picked(self.probabilities),
        )


@dataclass(frozen=True)
class Alone:
    """A score without the answers behind it: as a fraction, or in the metric's own unit.

    `examples` is None where nobody says how many there were.
    """

    score: float
    examples: int | None = None
    metric: str | None = None  # where the source knows it


@dataclass(frozen=True)
class Known:
    """What is known of how a run came about. Names of settings are those of a study file."""

    model: str | None = None
    method: str | None = None
    settings: Settings = field(default_factory=dict)  # of the method
    training: Settings = field(default_factory=dict)
    steps: int | None = None
    epochs: tuple[EpochRecord, ...] = ()
    parameters: ParameterCounts | None = None
    seconds: float | None = None
    peak_bytes: int | None = None
    artifact_bytes: int | None = None
    data: str = ""  # a hash of what it was trained on
    environment: Environment = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One run: by whom, and what it answered or scored; nothing of both where it failed."""

    place: str
    called: str = ""  # what its name is found in, where that is not its place
    name: str | None = None  # where the source says whose it is
    seed: int | None = None
    sheet: Sheet | None = None
    alone: Alone | None = None
    known: Known = Known()
    error: str | None = None
    assumed: tuple[str, ...] = ()  # in reading it


@dataclass(frozen=True)
class Entry:
    """A contender: its runs by seed."""

    name: str
    runs: Mapping[int, Run]
