"""The study file as frozen, typed settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tunewise.backbones.sources import EMBEDDED, looks_like_path
from tunewise.core.errors import InputError
from tunewise.costs.sizes import bytes_of
from tunewise.data.settings import DataSettings
from tunewise.methods.base import METHODS, Adaptation, Method
from tunewise.studies.document import Keys
from tunewise.tasks.base import Task

Grid = dict[str, tuple[Any, ...]]
"""Settings with each value they take: one, or those of a sweep."""

NAME = re.compile(r"[A-Za-z0-9._-]{1,80}")
LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class ModelChoice:
    """A pretrained model by name. `revision` is a branch, tag or commit on the hub."""

    source: str
    revision: str | None = None

    @classmethod
    def of(cls, text: str) -> ModelChoice:
        """Split ``name@revision``; a path may hold an @ of its own.

        >>> ModelChoice.of("bert-base-uncased@v1"), ModelChoice.of("./a@b")
        (ModelChoice(source='bert-base-uncased', revision='v1'), ModelChoice(source='./a@b', \
revision=None))
        """
        name, at, revision = text.partition("@")
        if not at or looks_like_path(text) or text.startswith(EMBEDDED):
            return cls(text)
        return cls(name, revision)

    def __str__(self) -> str:
        return f"{self.source}@{self.revision}" if self.revision else self.source


@dataclass(frozen=True)
class MethodEntry:
    """One entry under ``methods``: its class, and each given setting with its values.

    `training` holds the study's training settings with the entry's own laid over them, and
    nothing for a method that the loop does not train. `search` names settings with their path,
    ``training.learning_rate`` or ``method.rank``.
    """

    method: str
    settings: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    training: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    search: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    name: str | None = None
    keys: Keys = ()  # where it stands in the study
    place: str = ""  # the same for people, with the line

    @property
    def part(self) -> type[Method]:
        return METHODS.get(self.method)

    def fixed(self, section: str) -> Grid:
        """Settings of the method or of training, without those that the search chooses."""
        grid = self.settings if section == "method" else self.training
        return {name: grid[name] for name in grid if f"{section}.{name}" not in self.search}

    def searched(self, section: str) -> Grid:
        """Settings of the method or of training that the search chooses, with what it tries."""
        tuned = ((path.split("."), values) for path, values in self.search.items())
        return {name: values for (where, name), values in tuned if where == section}


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """What a study file says at its top, beside its parts."""

    name: str
    seeds: tuple[int, ...] = (0,)
    keep: Literal["chosen", "all", "none"] = "chosen"  # whose weights stay on disk
    accept_leakage: str | None = None  # why texts shared by two splits do no harm here
    equivalence_margin: float | None = None  # a difference, as a fraction, too small to matter
    memory_limit: str | None = None  # for all trials together, such as 8 GB; None: 80 % of the free

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or set(self.name) <= {"."}:
            raise ValueError(
                f"name = {self.name[:80]!r}: 1 to 80 letters, digits, points, dashes and "
                "underscores (A-Z a-z 0-9 . _ -); it becomes a folder's name."
            )
        if not self.seeds:
            raise ValueError("seeds = []: at least one whole number, such as [0, 1, 2].")
        for seed in self.seeds:
            if not 0 <= seed <= LARGEST_SEED:
                raise ValueError(f"seeds = {seed}: whole numbers from 0 to {LARGEST_SEED}.")
        for seed in {seed for seed in self.seeds if self.seeds.count(seed) > 1}:
            raise ValueError(f"seeds = {seed}: stands twice, and would only repeat its trials.")
        if self.accept_leakage is not None and not self.accept_leakage.strip():
            raise ValueError("accept_leakage = '': the reason, which the report repeats.")
        if self.memory_limit is not None:
            try:
                bytes_of(self.memory_limit)
            except InputError as error:
                raise ValueError(f"memory_limit: {error}") from error
        if self.equivalence_margin is not None and not 0 < self.equivalence_margin < 1:
            raise ValueError(
                f"equivalence_margin = {self.equivalence_margin}: a fraction between 0 and 1, "
                "such as 0.01 for one point of accuracy."
            )


@dataclass(frozen=True, kw_only=True)
class StudySettings(StudyOptions):
    """A study file that holds together: every value is of its type and within its range."""

    task: Task
    data: DataSettings
    models: tuple[ModelChoice, ...]
    methods: tuple[MethodEntry, ...]
    given: Mapping[str, Any]  # the study's plain values, overrides included
    text: str  # the study as YAML: the file's own text where nothing was overridden
    base: Path = Path()  # the folder that relative paths start from


def is_trained(method: type[Method]) -> bool:
    """Whether the one loop trains it, so that training settings mean something to it."""
    return issubclass(method, Adaptation)
