"""Settings that nothing would read where they stand: refused, with what stands in their way.

A study that takes a setting and does nothing with it tells its reader something false.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from tunewise.data.settings import DataSettings
from tunewise.studyfile.document import Keys
from tunewise.studyfile.entries import BATCH, RATE
from tunewise.studyfile.read_settings import build, combinations
from tunewise.studyfile.settings import MethodEntry, StudySettings
from tunewise.studyfile.values import Reader, name_of
from tunewise.tasks.base import Task
from tunewise.training.settings import TrainingSettings


def check_read(
    reader: Reader,
    task: Task,
    data: DataSettings,
    entries: Sequence[MethodEntry],
) -> None:
    """Report each setting that has no effect. All parts are sound by themselves."""
    _report(reader, task, task.unread(), ("task",))
    if task.reading.stratum is None:
        # What the data settings say of labels, where the task has none.
        reason = f"the task {task.name} has no labels"
        names = ("on_missing_label", "on_unseen_label")
        _report(reader, data, dict.fromkeys(names, reason), ("data",))
        if data.split is not None:
            _report(reader, data.split, {"stratify": reason}, ("data", "split"))
        if data.clean is not None:
            unread = dict.fromkeys(("labels", "min_examples"), reason)
            _report(reader, data.clean, unread, ("data", "clean"))
    if not task.proves_rows:
        reason = "of a text that is too long the task reads what fits"
        _report(reader, data, {"on_too_long": reason}, ("data",))
    # The study's training settings, where every method that is trained has its own.
    given = reader.document.values.get("training")
    trained = [entry for entry in entries if entry.part.trained]
    for name in given if trained and isinstance(given, Mapping) else ():
        keys = ("training", name)
        if reader.document.says(keys) and all(name in entry.own for entry in trained):
            places = ", ".join(entry.place for entry in trained)
            message = f"has no effect: every trained method has its own ({places}). Leave out one."
            reader.wrong(keys, message)
    for entry in entries:
        _check_method(reader, entry)


def moot(study: StudySettings) -> list[str]:
    """What the study says that happens to make no difference to its methods, in sentences."""
    notes = []
    training = study.given.get("training") or {}
    read = {name for entry in study.methods for name in entry.training}
    read |= {BATCH for entry in study.methods if entry.auto_batch}
    read |= {RATE for entry in study.methods if entry.auto_rate}
    if unread := [name for name in training if training[name] is not None and name not in read]:
        notes.append(f"training: no method of this study reads {', '.join(unread)}.")
    used = {model for entry in study.methods for model in entry.models}
    if study.models and not used:
        notes.append("models: no method of this study uses one.")
    elif unused := [str(model) for model in study.models if model not in used]:
        notes.append(f"models: every method names its own, and none uses {', '.join(unused)}.")
    if len(study.seeds) > 1 and not any(entry.part.seeded for entry in study.methods):
        notes.append("seeds: every method of this study gives the same result with each seed.")
    for entry in study.methods:
        grid = {**entry.training, **entry.searched("training")}
        patience = [number for number in grid.get("patience", ()) if number is not None]
        named = grid.get("epochs", (TrainingSettings.epochs,))
        epochs = max((number for number in named if number != "auto"), default=0)
        if epochs and patience and min(patience) >= epochs - 1:
            notes.append(
                f"{entry.place}: patience {min(patience)} never ends a training of {epochs} "
                f"{'epoch' if epochs == 1 else 'epochs'} early."
            )
    return notes


def _check_method(reader: Reader, entry: MethodEntry) -> None:
    """The settings of an entry that no combination of its values reads."""
    grid = {**entry.fixed("method"), **entry.searched("method")}
    found = [build(entry.part, values).unread() for values in combinations(grid)]
    for name, reason in found[0].items():
        if not all(name in unread for unread in found):
            continue
        if f"method.{name}" in entry.search:
            keys = reader.document.values["search"]
            searched = [key for key in keys if key.rpartition(".")[2] == name]
            reader.wrong(("search", *searched[:1]), f"has no effect: {reason}.")
        elif any(value != _default(entry.part, name) for value in entry.settings.get(name, ())):
            reader.wrong((*entry.keys, name), f"has no effect: {reason}.")


def _report(reader: Reader, part: Any, unread: Mapping[str, str], keys: Keys) -> None:
    """Those of the settings that were given; a default that nothing reads misleads nobody."""
    for name, reason in unread.items():
        if getattr(part, name) != _default(type(part), name):
            reader.wrong((*keys, name), f"has no effect: {reason}.")


def _default(part: type, name: str) -> Any:
    return next(field.default for field in fields(part) if name_of(field.name) == name)
