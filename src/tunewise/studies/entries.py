"""Reading the entries under ``methods``."""

from __future__ import annotations

from typing import Any

from tunewise.core.errors import unknown
from tunewise.methods.base import METHODS, Method
from tunewise.studies.document import Keys
from tunewise.studies.names import known_only
from tunewise.studies.parts import mapping, read_grid
from tunewise.studies.settings import Grid, MethodEntry, is_trained
from tunewise.studies.values import WRONG, Reader, shown, types_of
from tunewise.training.settings import TrainingSettings

AUTO = "auto"
BATCH = "batch_size"
OWN = ("name", "training")  # what an entry may say beside the method's settings
LONGEST_NAME = 80


def read_entry(
    reader: Reader,
    value: Any,
    keys: Keys,
    training: Grid,
) -> MethodEntry | None:
    """One entry: ``full``, ``full: {}`` or ``lora: {rank: 8, training: {...}, name: ...}``.

    `training` are the study's training settings, over which the entry's own are laid.
    """
    if isinstance(value, str):
        value = {value: None}
    if not isinstance(value, dict) or len(value) != 1:
        reader.wrong(keys, _shape(value))
        return None
    (name,) = value
    keys = (*keys, name)
    if name not in METHODS.classes:
        reader.wrong(keys, unknown("method", name, METHODS.classes))
        return None
    part = METHODS.get(name)
    kind = f"method '{name}'"
    settings = mapping(reader, value[name], keys, "{rank: 8}")
    own = {key: settings[key] for key in OWN if key in settings}
    settings = known_only(
        reader,
        {key: value for key, value in settings.items() if key not in own},
        keys,
        section="method",
        kind=kind,
        known=types_of(part),
    )
    training = training if is_trained(part) else {}
    if "training" in own:
        training = {**training, **_own_training(reader, own["training"], keys, part)}
    return MethodEntry(
        method=name,
        settings=read_grid(reader, part, settings, keys),
        training=with_numbers(training),
        auto_batch=training.get(BATCH) == (AUTO,),
        name=_name(reader, own["name"], (*keys, "name")) if "name" in own else None,
        keys=keys,
        place=reader.document.place(keys),
    )


def read_training(reader: Reader, value: Any, keys: Keys) -> Grid:
    """Training settings, of the study or of one entry."""
    values = known_only(
        reader,
        mapping(reader, value, keys, "{epochs: 3}"),
        keys,
        section="training",
        kind="training",
        known=types_of(TrainingSettings),
    )
    auto = {BATCH: (AUTO,)} if values.get(BATCH) == AUTO else {}
    rest = {key: value for key, value in values.items() if key not in auto}
    return {**read_grid(reader, TrainingSettings, rest, keys), **auto}


def with_numbers(training: Grid) -> Grid:
    """The same without a batch size of `auto`, for which its default stands until it is found."""
    return {key: values for key, values in training.items() if values != (AUTO,)}


def _own_training(reader: Reader, value: Any, keys: Keys, part: type[Method]) -> Grid:
    if is_trained(part):
        return read_training(reader, value, (*keys, "training"))
    message = f"'{keys[-1]}' is fitted in one go: there is no training to set."
    reader.wrong((*keys, "training"), message)
    return {}


def _name(reader: Reader, value: Any, keys: Keys) -> str | None:
    name = reader.typed(str, value, keys)
    if name is WRONG:
        return None
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        right = f"1 to {LONGEST_NAME} printable characters, for the tables"
        reader.wrong(keys, f"found {shown(name)}: {right}.")
        return None
    return str(name).strip()


def _shape(value: Any) -> str:
    right = "a method's name, such as full, or the name with its settings, such as lora: {rank: 8}"
    if isinstance(value, dict):
        named = [key for key in value if key in METHODS.classes]
        if len(named) == 1 and set(value) - set(named) <= set(OWN):
            rest = ", ".join(key for key in value if key in OWN)
            return f"{rest} belongs inside: {named[0]}: {{{rest}: ...}}."
        if len(named) > 1:
            return f"found {shown(value)}: one method an entry, each behind its own dash."
    return f"found {shown(value)}: {right}."
