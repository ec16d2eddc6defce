"""The study file as frozen, typed settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tunewise.backbones.sources import EMBEDDED, PAIR, looks_like_path, parts_of
from tunewise.core.canonical import open_field
from tunewise.core.errors import SettingError
from tunewise.core.settings import described, setting
from tunewise.core.units import A_BUDGET, Budget, parse_budget, parse_bytes
from tunewise.data.settings import DataSettings
from tunewise.methods.base import METHODS, Method
from tunewise.studyfile.document import Keys
from tunewise.studyfile.limits import Limits
from tunewise.studyfile.values import types_of
from tunewise.tasks.base import Task

Grid = dict[str, tuple[Any, ...]]
"""Settings with each value they take: one, or those of a sweep."""

NAME = re.compile(r"[A-Za-z0-9._-]{1,80}")
LARGEST_SEED = 2**32 - 1
SEEDS_OF_A_RACE = tuple(range(10))  # where a study has a budget and names none
Tracker = Literal["mlflow", "tensorboard", "trackio", "wandb"]


@dataclass(frozen=True)
class ModelChoice:
    """A pretrained model by name. `revision` is a branch, tag or commit on the hub.

    Two encoders of one model stand in one name: ``microsoft/resnet-50 + ./minilm``.
    """

    source: str
    revision: str | None = None

    @classmethod
    def of(cls, text: str) -> ModelChoice:
        """Split ``name@revision``; a path may hold an @ of its own.

        >>> ModelChoice.of("bert-base-uncased@v1"), ModelChoice.of("./a@b")
        (ModelChoice(source='bert-base-uncased', revision='v1'), ModelChoice(source='./a@b', \
revision=None))
        """
        if PAIR in text:
            both = [cls.of(part) for part in parts_of(text)]
            revisions = [part.revision or "" for part in both]
            source = PAIR.join(part.source for part in both)
            return cls(source, PAIR.join(revisions) if any(revisions) else None)
        name, at, revision = text.partition("@")
        if not at or looks_like_path(text) or text.startswith(EMBEDDED):
            return cls(text)
        return cls(name, revision)

    def __str__(self) -> str:
        if PAIR in self.source and self.revision:
            both = zip(parts_of(self.source), parts_of(self.revision), strict=True)
            return PAIR.join(str(ModelChoice(source, revision)) for source, revision in both)
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
    limits: tuple[int | None, ...] = (None,)  # tokens of a text, for what the loop does not train
    own: frozenset[str] = frozenset()  # the training settings that are not the study's
    auto_batch: bool = False  # the batch size is found before the study runs
    auto_rate: bool = False  # the learning rate is measured while it runs
    search: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    models: tuple[ModelChoice, ...] = ()  # that it is tried on: its own, or those of the study
    name: str | None = None
    keys: Keys = ()  # where it stands in the study
    place: str = ""  # the same for people, with the line
    notes: tuple[str, ...] = ()  # what a reader of the entry may not expect

    @property
    def part(self) -> type[Method]:
        return METHODS.get(self.method)

    @property
    def kinds(self) -> dict[str, Any]:
        """The declared type of each setting that the method has with these settings."""
        return kinds_of(self.part, self.first)

    @property
    def label(self) -> str:
        """What its contenders are called in tables, before what tells them apart."""
        return self.name or self.part.label(self.first)

    @property
    def first(self) -> dict[str, Any]:
        """Each given setting with one of its values."""
        return {name: values[0] for name, values in self.settings.items()}

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

    name: str = field(metadata=described("Name of the study, and of its folder."))
    seeds: tuple[int, ...] = setting(
        (0,), "Random seeds. The best point of a search is trained with each of them."
    )
    budget: str | None = setting(
        None, "What the study may take, such as 30 min: seeds go where they can change the verdict."
    )
    keep: Literal["chosen", "all", "none"] = setting("chosen", "Trials whose weights stay on disk.")
    accept_leakage: str | None = setting(None, "Why texts that two splits share do no harm here.")
    equivalence_margin: float | None = setting(
        None, "Largest difference, as a fraction, that does not matter."
    )
    memory_limit: str | None = setting(None, "Memory that one trial may hold, such as 8 GB.")
    trackers: tuple[Tracker, ...] = setting(
        (), "Trackers that get a copy in the study's folder when it has run."
    )
    require: Limits | None = setting(None, "Limits that a recommended method has to keep.")
    slices: tuple[str, ...] = setting((), "Columns, or `length`, by which scores are broken down.")

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or set(self.name) <= {"."}:
            right = (
                "1 to 80 letters, digits, points, dashes and underscores (A-Z a-z 0-9 . _ -); it "
                "becomes a folder's name."
            )
            raise SettingError("name", self.name, right)
        if not self.seeds:
            raise SettingError("seeds", self.seeds, "at least one whole number, such as [0, 1, 2].")
        for seed in self.seeds:
            if not 0 <= seed <= LARGEST_SEED:
                raise SettingError("seeds", seed, f"whole numbers from 0 to {LARGEST_SEED}.")
        for seed in {seed for seed in self.seeds if self.seeds.count(seed) > 1}:
            raise SettingError("seeds", seed, "stands twice, and would only repeat its trials.")
        if self.budget is not None:
            try:
                parse_budget(self.budget)
            except ValueError as error:
                raise SettingError("budget", self.budget, A_BUDGET) from error
        if self.accept_leakage is not None and not self.accept_leakage.strip():
            right = "the reason, which the report repeats."
            raise SettingError("accept_leakage", self.accept_leakage, right)
        for name in {name for name in self.slices if self.slices.count(name) > 1}:
            raise SettingError("slices", name, "stands twice.")
        if self.equivalence_margin is not None and not 0 < self.equivalence_margin < 1:
            right = "a fraction between 0 and 1, such as 0.01 for one point of accuracy."
            raise SettingError("equivalence_margin", self.equivalence_margin, right)
        if self.memory_limit is not None:
            try:
                parse_bytes(self.memory_limit)
            except ValueError as error:
                right = "a size above 0 with its unit, such as 8 GB or 512 MiB."
                raise SettingError("memory_limit", self.memory_limit, right) from error

    @property
    def allowance(self) -> Budget | None:
        """The budget as numbers."""
        return None if self.budget is None else parse_budget(self.budget)

    @property
    def memory_bytes(self) -> int | None:
        return None if self.memory_limit is None else parse_bytes(self.memory_limit)


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

    @property
    def places(self) -> dict[ModelChoice, str]:
        """Every model of the study once, with the place that names it first."""
        found: dict[ModelChoice, str] = {}
        for number, model in enumerate(self.models):
            found.setdefault(model, f"models[{number}]")
        for entry in self.methods:
            for model in entry.models:
                found.setdefault(model, f"{entry.place}.model")
        return found


def kinds_of(part: type[Method], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The declared type of each setting, those of an open field among them.

    Raises:
        SettingError: the settings do not say which of those there are.
    """
    if open_field(part) is None:
        return types_of(part)
    return {**types_of(part), **part.opened(settings).kinds}
