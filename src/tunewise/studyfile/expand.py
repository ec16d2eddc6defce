"""From a study's settings to its contenders, each with its search points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from tunewise.core.canonical import JSONObject, Settings, canonical, settings_of
from tunewise.core.errors import InputError, Problem
from tunewise.core.format import plural
from tunewise.methods.base import Adaptation, Method
from tunewise.store.records import MethodRecord, RateSearch, TrialSettings
from tunewise.studyfile.naming import differing, folded, model_names, suffix
from tunewise.studyfile.read_settings import build, combinations
from tunewise.studyfile.search import AROUND, BEYOND
from tunewise.studyfile.settings import MethodEntry, ModelChoice, StudySettings
from tunewise.training.settings import (
    ABOUT_MEMORY,
    READ_BY_SOLVER,
    STEPS,
    TrainingSettings,
)


@dataclass(frozen=True)
class PlannedPoint:
    """One point of the search: what it chooses, by path, and the parts that follow from it.

    `training` has its learning rate filled in; it is None where the loop trains nothing.
    """

    chosen: Settings  # such as {"training.learning_rate": 1e-4}; empty without a search
    method: Method
    training: TrainingSettings | None
    limit: int | None = None  # tokens of a text, where no training says it

    def settings(self) -> TrialSettings:
        """What a trial carries of this point: every value of method and training."""
        method = self.method
        return TrialSettings(
            max_length=self.limit,
            method=MethodRecord(method.name, method.version, settings_of(method)),
            training={} if self.training is None else settings_of(self.training),
        )


@dataclass(frozen=True)
class PlannedContender:
    """A row of the final table: a model (or none) with a method and its settings."""

    name: str
    model: ModelChoice | None
    entry: MethodEntry
    points: tuple[PlannedPoint, ...]

    @property
    def method(self) -> Method:
        return self.points[0].method

    @property
    def trained(self) -> bool:
        """Whether the one loop trains it."""
        return self.points[0].training is not None

    @property
    def search(self) -> list[str]:
        """The names of what is tuned away on validation."""
        return [path.partition(".")[2] for path in self.points[0].chosen]

    def settings(self) -> JSONObject:
        """The method's settings, without those that the search chooses."""
        values = settings_of(self.method)
        return {key: values[key] for key in values if f"method.{key}" not in self.points[0].chosen}

    @property
    def rates(self) -> RateSearch | None:
        """Where its learning rate is measured: the points, and those that are begun with."""
        return RateSearch(AROUND + BEYOND, AROUND) if self.entry.auto_rate else None

    def trials(self, seeds: int) -> int:
        """How many trainings it takes: each point once, then the best with the other seeds.

        Where learning rates are measured, most of them stop early, and count as none.
        """
        points = 1 if self.rates else len(self.points)
        return points + (seeds - 1 if self.method.seeded else 0)

    def fixed(self) -> JSONObject:
        """Every value of method and training that no search chooses, by path."""
        training = self.points[0].training
        values = {**self.method.open_defaults(), **settings_of(self.method)}
        paths = {f"method.{key}": value for key, value in values.items()}
        if training is not None:
            paths |= {f"training.{key}": value for key, value in settings_of(training).items()}
        elif self.points[0].limit is not None:
            paths["training.max_length"] = self.points[0].limit
        return {path: paths[path] for path in paths if path not in self.points[0].chosen}


@dataclass(frozen=True)
class Expansion:
    """The contenders of a study. `notes` says what a reader of the file may not expect."""

    contenders: tuple[PlannedContender, ...]
    notes: tuple[str, ...]
    seeds: int

    @property
    def trials(self) -> int:
        return sum(contender.trials(self.seeds) for contender in self.contenders)


def expand(study: StudySettings) -> Expansion:
    """Every contender once, with a name of its own.

    A method that uses no model makes one row, not one a model.

    Raises:
        InputError: two contenders cannot be distinguished by their names.
    """
    notes: list[str] = []
    rows = _once(_rows(study), notes)
    named = _named(rows)
    notes += [f"{entry.place}: {note}" for entry in study.methods for note in entry.notes]
    points = {row.name: len(row.points) for row in named if row.trained and not row.rates}
    if len(set(points.values())) > 1:
        most, least = max(points, key=lambda n: points[n]), min(points, key=lambda n: points[n])
        notes.append(
            f"search: '{most}' is tuned over {plural(points[most], 'point')}, "
            f"'{least}' over {points[least]}: the first has the larger budget."
        )
    return Expansion(tuple(named), tuple(notes), len(study.seeds))


def _rows(study: StudySettings) -> Iterator[PlannedContender]:
    for entry in study.methods:
        fixed = product(
            entry.models or (None,),
            combinations(entry.fixed("method")),
            combinations(entry.fixed("training")),
            entry.limits,
        )
        for model, settings, training, limit in fixed:
            points = tuple(
                replace(_point(entry, settings, training, chosen), limit=limit)
                for chosen in combinations(entry.search)
            )
            yield PlannedContender("", model, entry, points)


def _point(
    entry: MethodEntry,
    settings: Settings,
    training: Settings,
    chosen: Settings,
) -> PlannedPoint:
    values = {"method": dict(settings), "training": dict(training)}
    for path, value in chosen.items():
        section, name = path.split(".")
        values[section][name] = value
    method: Method = build(entry.part, values["method"])
    if not isinstance(method, Adaptation):
        return PlannedPoint(chosen, method, None)
    loop: TrainingSettings = build(TrainingSettings, values["training"])
    if loop.learning_rate is None:
        loop = replace(loop, learning_rate=method.learning_rate)
    if loop.optimizer == "auto" and names_steps(entry):
        loop = replace(loop, optimizer=STEPS)
    return PlannedPoint(chosen, method, loop)


def names_steps(entry: MethodEntry) -> bool:
    """Whether the study says how the entry is to be trained, beyond how large a step may be.

    Where it says ``optimizer: auto`` itself, the rest is for what cannot be solved.
    """
    if entry.training.get("optimizer") == ("auto",):
        return False
    searched = {} if entry.auto_rate else entry.searched("training")
    asked = {**entry.fixed("training"), **searched}
    meant = {name for name, values in asked.items() if values not in ((None,), ("auto",))}
    return bool(meant - {*READ_BY_SOLVER, *ABOUT_MEMORY})


def _once(rows: Iterator[PlannedContender], notes: list[str]) -> list[PlannedContender]:
    """Each different contender, and each different point of it, once; the rest becomes notes."""
    seen: dict[str, PlannedContender] = {}
    for row in rows:
        points: dict[str, PlannedPoint] = {}
        for point in row.points:
            points.setdefault(canonical(point.settings().as_json()), point)
        if len(points) < len(row.points):
            notes.append(f"{row.entry.place}: a search point stands twice and is tried once.")
        key = canonical([str(row.model) if row.model else None, sorted(points)])
        if key in seen:
            other = seen[key].entry
            same = f"the same contender as {other.place}"
            if row.entry is other:
                same = "a contender stands twice with the same settings"
            notes.append(f"{row.entry.place}: {same}; it is run once.")
        else:
            seen[key] = replace(row, points=tuple(points.values()))
    return list(seen.values())


def _named(rows: Sequence[PlannedContender]) -> list[PlannedContender]:
    """The contenders with their names, which say the model where there are several."""
    groups: dict[str, list[PlannedContender]] = {}
    for row in rows:
        groups.setdefault(row.entry.label, []).append(row)
    problems: list[Problem] = []
    for base, group in groups.items():  # that were given one name by hand, although they differ
        entries = list({row.entry.keys: row.entry for row in group}.values())
        given = [entry for entry in entries if entry.name]
        if given and len(entries) > 1:
            message = f"'{base}' is also the name of {entries[0].place}, which is set otherwise."
            problems.append(Problem(f"{entries[1].place}.name", message))

    models = model_names(row.model for row in rows if row.model)
    keys = {base: differing([row.fixed() for row in group]) for base, group in groups.items()}
    named: dict[str, PlannedContender] = {}
    for row in rows:
        base = row.entry.label
        name = base + suffix(row.fixed(), keys[base])
        if row.model and len(models) > 1:
            name = f"{name} on {models[row.model]}"
        other = named.setdefault(folded(name), replace(row, name=name))
        if other.points is not row.points and not problems:
            clash = f"'{name}' is also the name of {other.entry.place}."
            if name != other.name:
                clash = (
                    f"'{name}' and '{other.name}' ({other.entry.place}) differ only by case or "
                    "Unicode form; give one of them another name."
                )
            problems.append(Problem(row.entry.place, clash))
    if problems:
        raise InputError(problems)
    return list(named.values())
