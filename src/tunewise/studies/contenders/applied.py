"""Every contender applied to its model: what it counts, and which pairs cannot work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from tunewise.core.errors import InputError, Problem
from tunewise.methods.base import METHODS, Adaptation
from tunewise.store.records import ContenderRecord, PointRecord
from tunewise.studies.contenders.models import Inspector, NotAsked
from tunewise.studies.contenders.reads import with_reading
from tunewise.studies.contenders.solvers import described, settled
from tunewise.studyfile.contender_records import Facts, contender_records
from tunewise.studyfile.document import Keys
from tunewise.studyfile.expand import Expansion
from tunewise.studyfile.settings import StudySettings
from tunewise.tasks.base import Settled
from tunewise.training.settings import FULL_BATCH


class Applied(NamedTuple):
    """The contenders, each applied to its model, and the models by name.

    `left_out` is a sentence for each pair of method and model that the study does without.
    """

    contenders: list[ContenderRecord]
    inspectors: dict[str, Inspector]
    problems: list[Problem]
    left_out: list[str]


def applied(settings: StudySettings, data: Settled, expansion: Expansion, facts: Facts) -> Applied:
    """Apply the method of every contender to its model."""
    contenders = contender_records(settings, expansion, facts)
    inspectors: dict[str, Inspector] = {}
    problems: list[Problem] = []
    for name, task in facts.tasks.items():
        users = [row for row in contenders if row.model == name]
        asked = bool(users) and all(METHODS.get(row.method).asks_writer for row in users)
        packs = any(_packs(point) for row in users for point in row.points)
        try:
            inspectors[name] = Inspector(
                facts.models[name], task, data.options, only_asked=asked, packs=packs
            )
        except InputError as error:
            problems += of_model(name, settings, error)

    built = {name: inspector.model for name, inspector in inspectors.items()}
    contenders = with_reading(contenders, built, settings.task, data.splits)
    rows = len(data.splits["train"])
    contenders, unfit, mute = _inspect(contenders, inspectors, facts, rows)
    entries = [planned.entry.keys for planned in expansion.contenders]
    contenders, unasked, left_out = _without(mute, contenders, entries)
    problems += unfit + unasked + _half_batches(contenders, rows)
    return Applied(contenders, inspectors, problems, left_out)


def _inspect(
    contenders: Sequence[ContenderRecord],
    inspectors: Mapping[str, Inspector],
    facts: Facts,
    rows: int,
) -> tuple[list[ContenderRecord], list[Problem], dict[int, NotAsked]]:
    """Each contender with its counts and feature key; what does not fit is a problem.

    The last are those, by their places, that ask a model in words which cannot write.
    """
    found, problems = list(contenders), list[Problem]()
    mute: dict[int, NotAsked] = {}
    for number, contender in enumerate(contenders):
        inspector = inspectors.get(contender.model or "")
        try:
            inspected = contender
            if inspector:
                inspected = _inspected(contender, inspector, facts, rows)
        except NotAsked as error:
            mute[number] = error
        except InputError as error:
            problems += _unfit(contender, error)
        else:
            found[number] = inspected
    return found, problems, mute


def _inspected(
    contender: ContenderRecord, inspector: Inspector, facts: Facts, rows: int
) -> ContenderRecord:
    """Every point is applied, because a searched rank may be too large for the model."""
    points, parameters, features = list(contender.points), contender.parameters, None
    for number, point in reversed(list(enumerate(points))):
        chosen = point.settings.method
        method = METHODS.build(chosen.name, chosen.settings)
        if isinstance(method, Adaptation):
            length = point.settings.training["max_length"]
            quantized = point.settings.training.get("quantize") is not None
            seen = inspector.inspect(
                method, length, facts.data_hash, quantized=quantized, packs=_packs(point)
            )
            parameters, features = seen.parameters, seen.features
            counted = replace(point, parameters=parameters)
            solved = facts.solved[contender.model or ""] if seen.solvable else None
            points[number] = settled(counted, solved=solved)
            continue
        if method.asks_writer:
            parameters = inspector.ask(method)
            points[number] = replace(point, parameters=parameters)
        break
    inspected = replace(contender, points=tuple(points), parameters=parameters, features=features)
    return described(inspected, rows=rows)


def _packs(point: PointRecord) -> bool:
    return bool((point.settings.training or {}).get("packing"))


def _unfit(contender: ContenderRecord, error: InputError) -> list[Problem]:
    where = f"{contender.name} on {contender.model}"
    return [Problem(where, str(problem)) for problem in error.problems]


def _without(
    mute: Mapping[int, NotAsked], contenders: Sequence[ContenderRecord], entries: Sequence[Keys]
) -> tuple[list[ContenderRecord], list[Problem], list[str]]:
    """The contenders without pairs that cannot work, where method and model have others that do.

    `entries` says of each contender which entry of the study it comes from. The pairs that are
    left out come back as sentences; one without which the study would not say what it was to say,
    as a problem.
    """
    able = [number for number in range(len(contenders)) if number not in mute]
    methods = {entries[number] for number in able}
    models = {contenders[number].model for number in able}
    problems, left_out = [], []
    for number, error in mute.items():
        contender = contenders[number]
        if entries[number] in methods and contender.model in models:
            left_out.append(f"'{contender.name}' is left out: {error}")
        else:
            problems += _unfit(contender, error)
    return [contenders[number] for number in able], problems, left_out


def _half_batches(contenders: Sequence[ContenderRecord], rows: int) -> list[Problem]:
    """Optimizers that are defined by the full batch, and were given less."""
    problems = []
    for contender in contenders:
        for point in contender.points:
            training = point.settings.training
            if not training or training["optimizer"] not in FULL_BATCH:
                continue
            if contender.auto_batch or training["batch_size"] < rows:
                size = "auto" if contender.auto_batch else training["batch_size"]
                message = (
                    f"optimizer = {training['optimizer']}: gradient descent is over the full "
                    f"batch, and batch_size = {size} is not that of all {rows:,} training rows. "
                    f"Use own-sgd, whose update is the same, or batch_size: {rows}."
                )
                problems.append(Problem(contender.name, message))
    return problems


def of_model(name: str, settings: StudySettings, error: InputError) -> list[Problem]:
    """What is wrong with a model, where the study names it."""
    places = {str(model): place for model, place in settings.places.items()}
    return [Problem(places[name], str(each)) for each in error.problems]
