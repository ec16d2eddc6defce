"""Reading a study: from a file or from Python, with every mistake reported together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from tunewise.core.errors import InputError, nearest, unknown
from tunewise.data.in_memory import with_stored_tables
from tunewise.data.settings import DataSettings
from tunewise.studyfile.document import Document, read_values
from tunewise.studyfile.entries import read_entry, read_training
from tunewise.studyfile.limits import METRIC_LIMITS
from tunewise.studyfile.names import TOP, known_only
from tunewise.studyfile.overrides import override
from tunewise.studyfile.ranges import check_ranges, is_small
from tunewise.studyfile.read_settings import check_name, mapping, read_models, read_part
from tunewise.studyfile.reading import read_file
from tunewise.studyfile.search import measured, read_search
from tunewise.studyfile.settings import (
    SEEDS_OF_A_RACE,
    Grid,
    MethodEntry,
    ModelChoice,
    StudyOptions,
    StudySettings,
)
from tunewise.studyfile.unread import check_read
from tunewise.studyfile.values import WRONG, Reader, shown, types_of
from tunewise.studyfile.writing import yaml_of
from tunewise.tasks.base import TASKS
from tunewise.training.settings import AUTO

NEEDED = {
    "task": "what is asked, such as {kind: classification, text: text, label: label}",
    "data": "where the examples are, such as {source: reviews.csv}",
    "methods": "a list of ways to adapt, such as [majority, full, lora]",
}


def read_study(
    source: Path | str | Mapping[str, Any], overrides: Sequence[str] = ()
) -> StudySettings:
    """The study in a file, or given as a mapping of the same form.

    In a mapping, `data.source` and each of `data.files` may also be a table in memory. It is
    written beside the study first, so that the study can be resumed; see `with_stored_tables`.

    `overrides` are settings from the command line, such as ``training.epochs=2``.

    Raises:
        InputError: with every mistake found, each with its place and what would be right.
    """
    if isinstance(source, Mapping):
        document = read_values(with_stored_tables(source))
    else:
        document = read_file(Path(source))
    return settings_of_document(override(document, overrides))


def settings_of_document(document: Document) -> StudySettings:
    """The typed settings in plain values."""
    reader = Reader(document)
    if not isinstance(document.values, dict):
        found = f"found {shown(document.values)}: a study with name, task, data and methods."
        reader.wrong((), found)
        raise InputError(reader.problems)
    top = known_only(reader, document.values, (), kind="a study", known=TOP, section="")
    for key, meaning in NEEDED.items():
        if top.get(key) is None:
            reader.wrong((), f"needs '{key}': {meaning}.")
    names = list(types_of(StudyOptions))
    given = {key: value for key, value in top.items() if key in names}
    if given.get("budget") is not None and given.get("seeds") is None:
        given["seeds"] = list(SEEDS_OF_A_RACE)
    options = read_part(reader, StudyOptions, given, (), what="it")
    task = _task(reader, top.get("task"))
    _check_required(reader, options, task)
    data = _data(reader, top.get("data"))
    training = read_training(reader, top.get("training"), ("training",))
    entries = _entries(reader, top.get("methods"), training)
    _check_methods(reader, task, entries)
    models = _models(reader, top.get("models"), entries)
    entries = _with_models(models, _with_search(reader, top.get("search"), entries))
    _check_learnt(reader, task, entries)
    _check_alone(reader, entries)
    seeds = 1 if options is WRONG else len(options.seeds)
    if is_small(reader, entries, seeds):
        check_ranges(reader, entries, training)
    if reader.problems:
        raise InputError(reader.problems)
    check_read(reader, task, data, entries)
    if reader.problems:
        raise InputError(reader.problems)
    return StudySettings(
        **vars(options),
        task=task,
        data=data,
        models=models,
        methods=entries,
        given=document.values,
        text=document.text or yaml_of(document.values),
        base=document.base,
    )


def _task(reader: Reader, value: Any) -> Any:
    if value is None:
        return WRONG
    before = len(reader.problems)
    values = mapping(reader, value, ("task",), "{kind: classification, text: text, label: label}")
    if len(reader.problems) > before:
        return WRONG
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in TASKS:
        known = ", ".join(TASKS.classes)
        message = unknown("task", kind, TASKS.classes) if isinstance(kind, str) else ""
        place = ("task", "kind") if "kind" in values else ("task",)
        reader.wrong(place, message or f"needs 'kind': the name of a task ({known}).")
        return WRONG
    part = TASKS.get(kind)
    rest = {key: item for key, item in values.items() if key != "kind"}
    what = f"task '{kind}'"
    values = known_only(reader, rest, ("task",), kind=what, known=types_of(part), section="task")
    complete = len(values) == len(rest)
    task = read_part(reader, part, values, ("task",), what="the task", complete=complete)
    for number, name in enumerate(() if task is WRONG else task.metrics):
        if name not in task.known_metrics:
            wrong = unknown("metric", name, task.known_metrics)
            reader.wrong(("task", "metrics", number), wrong)
    return task


def _check_required(reader: Reader, options: Any, task: Any) -> None:
    """A score can be required only of a metric that the study computes."""
    if options is WRONG or task is WRONG or options.require is None:
        return
    for name in METRIC_LIMITS:
        if name in options.require.given() and name not in task.metrics:
            message = f"'{name}' is not among the study's metrics. {nearest(name, task.metrics)}"
            reader.wrong(("require", name), message)


def _data(reader: Reader, value: Any) -> Any:
    if value is None:
        return WRONG
    before = len(reader.problems)
    values = mapping(reader, value, ("data",), "{source: reviews.csv}")
    known = types_of(DataSettings)
    values = known_only(reader, values, ("data",), kind="data", known=known, section="data")
    complete = len(reader.problems) == before
    data = read_part(reader, DataSettings, values, ("data",), what="the data", complete=complete)
    if data is not WRONG:
        check_name(reader, data.source or "", ("data", "source"))
        for split, name in (data.files or {}).items():
            check_name(reader, name, ("data", "files", split))
    return data


def _entries(reader: Reader, value: Any, training: Grid) -> tuple[MethodEntry, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not value:
        found = f"found {shown(value)}: {NEEDED['methods']}, each behind a dash."
        reader.wrong(("methods",), found)
        return ()
    entries = (
        read_entry(reader, item, ("methods", number), training) for number, item in enumerate(value)
    )
    return tuple(entry for entry in entries if entry is not None)


def _check_methods(reader: Reader, task: Any, entries: Sequence[MethodEntry]) -> None:
    for entry in () if task is WRONG else entries:
        cannot = entry.part.cannot
        if reason := cannot.get(task.builder.form) or cannot.get(task.name):
            message = f"'{entry.method}' does not fit the task '{task.name}': {reason}."
            reader.wrong(entry.keys, message)


def _check_learnt(reader: Reader, task: Any, entries: Sequence[MethodEntry]) -> None:
    """What concerns the tokens of an answer can be set only where one is generated."""
    if task is WRONG or task.writing:
        return
    reasons = {
        "loss_on": "loss_on chooses among tokens of a prompt",
        "packing": "packing puts texts into one row, whose answers are read off its tokens",
    }
    for entry in entries:
        for name, reason in reasons.items():
            asked = (*entry.training.get(name, ()), *entry.search.get(f"training.{name}", ()))
            if any(asked):
                reader.wrong(entry.keys, f"{reason}, and '{task.name}' chooses a class.")


def _check_alone(reader: Reader, entries: Sequence[MethodEntry]) -> None:
    """What is left to us comes to one of the values that it would stand beside."""
    others = {"precision": "one of the other formats", "devices": "a number of them"}
    for entry, (name, other) in product(entries, others.items()):
        searched = entry.search.get(f"training.{name}", ())
        values = {*entry.training.get(name, ()), *searched}
        if AUTO in values and (searched or len(values) > 1):
            reader.wrong(entry.keys, f"{name}: auto stands alone: it comes to {other}.")


def _models(reader: Reader, value: Any, entries: Sequence[MethodEntry]) -> tuple[ModelChoice, ...]:
    needing = [entry.method for entry in entries if entry.part.uses_model and not entry.models]
    if value in (None, []):
        if needing:
            right = (
                "a list of hub ids or folders, such as [bert-base-uncased] or [embedded:encoder]"
            )
            reader.wrong(
                ("models",) if value is not None else (),
                f"needs 'models', because '{needing[0]}' adapts one: {right}.",
            )
        return ()
    return read_models(reader, value, ("models",))


def _with_models(
    models: tuple[ModelChoice, ...], entries: Sequence[MethodEntry]
) -> tuple[MethodEntry, ...]:
    """The entries with the models that each is tried on: its own, or those of the study."""
    return tuple(
        replace(entry, models=entry.models or models) if entry.part.uses_model else entry
        for entry in entries
    )


def _with_search(
    reader: Reader, value: Any, entries: tuple[MethodEntry, ...]
) -> tuple[MethodEntry, ...]:
    values = mapping(reader, value, ("search",), "{learning_rate: [1e-4, 3e-4]}")
    if not entries:  # their mistakes come first: without them no setting is known
        return entries
    grids = read_search(reader, values, entries)
    return tuple(
        measured(reader, replace(entry, search=grid))
        for entry, grid in zip(entries, grids, strict=True)
    )
