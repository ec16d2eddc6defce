"""Reading the entries under ``methods``."""

from __future__ import annotations

from typing import Any

from tunewise.core.canonical import JSONObject, Settings, open_field
from tunewise.core.errors import SettingError, TunewiseError, unknown
from tunewise.methods.base import METHODS, Method
from tunewise.studyfile.document import Keys
from tunewise.studyfile.names import known_only
from tunewise.studyfile.read_settings import mapping, missing, read_grid, read_models
from tunewise.studyfile.settings import Grid, MethodEntry, ModelChoice, kinds_of
from tunewise.studyfile.values import WRONG, Reader, shown, types_of
from tunewise.training.settings import AUTO, TrainingSettings

BATCH = "batch_size"
RATE = "learning_rate"
FOUND = {BATCH: "a whole number", RATE: "a number"}
"""Settings that `auto` leaves to be found, and what they may be beside it."""
LIMIT = "max_length"
MODEL = "model"
OWN = ("name", "training", MODEL)  # what an entry may say beside the method's settings
LONGEST_NAME = 80


def read_entry(
    reader: Reader,
    value: Any,
    keys: Keys,
    training: Grid,
) -> MethodEntry | None:
    """One entry: ``full``, ``full: {}`` or ``lora: {rank: 8, model: bert, training: {...}}``.

    `training` are the study's training settings, over which the entry's own are laid.
    """
    if isinstance(value, str):
        value = {value: None}
    if not isinstance(value, dict) or len(value) != 1:
        reader.wrong(keys, _shape(value))
        return None
    (name,) = value
    keys = (*keys, name)
    if not isinstance(name, str) or name not in METHODS:
        reader.wrong(keys, unknown("method", name, METHODS.classes))
        return None
    part = METHODS.get(name)
    settings = mapping(reader, value[name], keys, "{rank: 8}")
    own = {key: settings[key] for key in OWN if key in settings}
    given = {key: value for key, value in settings.items() if key not in own}
    try:
        meant = part.unpacked(given, reader.document.base)
    except TunewiseError as error:
        reader.wrong(keys, str(error))
        return None
    kinds = _kinds(reader, part, meant.settings, keys)
    if kinds is None:
        return None
    if meant.settings == given:
        grid = read_grid(reader, kinds, _known(reader, part, given, kinds, keys), keys)
    else:  # it stands for others, which are no sweeps
        read = {key: reader.typed(kinds[key], v, keys) for key, v in meant.settings.items()}
        grid = {key: (value,) for key, value in read.items() if value is not WRONG}
    limits = {LIMIT: training.get(LIMIT, (None,))}  # one for all that read, trained or not
    its = read_training(reader, meant.training, keys) if meant.training else {}
    if "training" in own:
        mine = _own_training(reader, own["training"], keys, part)
        limits, its = {**limits, **mine}, {**its, **mine}
    training = {**training, **its} if part.trained else {}
    return MethodEntry(
        method=name,
        settings=grid,
        training=with_fixed_batch_size(training),
        limits=(None,) if part.trained or not part.uses_model else limits[LIMIT],
        own=frozenset(its),
        auto_batch=training.get(BATCH) == (AUTO,),
        auto_rate=part.trained and training.get(RATE, (AUTO,)) == (AUTO,),
        models=_models(reader, own, part, keys),
        name=_name(reader, own["name"], (*keys, "name")) if "name" in own else None,
        keys=keys,
        place=reader.document.place(keys),
        notes=meant.notes,
    )


def _kinds(reader: Reader, part: type[Method], settings: Settings, keys: Keys) -> JSONObject | None:
    """The types of an entry's settings, or None once it is reported why they are not known."""
    for name, reason in part.one_value.items():
        if isinstance(settings.get(name), list):
            reader.wrong((*keys, name), f"found {shown(settings[name])}: {reason}")
            return None
    if open_field(part) is None:
        return types_of(part)
    if missing(reader, part, settings, keys):  # without them the others are not known
        return None
    try:
        return kinds_of(part, settings)
    except SettingError as error:
        reader.refused(error, (*keys, *error.keys))
        return None


def _known(
    reader: Reader,
    part: type[Method],
    settings: Settings,
    kinds: Settings,
    keys: Keys,
) -> JSONObject:
    """The settings that the method has; each of the others is reported."""
    refused = {**part.opened(settings).refused}
    if part.uses_model and "models" in settings:
        reader.wrong((*keys, "models"), f"an entry's own models stand under '{MODEL}'.")
        settings = {key: value for key, value in settings.items() if key != "models"}
    for key in settings:
        if key in refused:
            reader.wrong((*keys, key), f"'{key}' is not for a study to set: {refused[key]}.")
    return known_only(
        reader,
        {key: value for key, value in settings.items() if key not in refused},
        keys,
        section="method",
        kind=f"method '{part.name}'",
        known=kinds,
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
    auto = {key: (AUTO,) for key in FOUND if values.get(key) == AUTO}
    rest = {key: value for key, value in values.items() if key not in auto}
    for key, right in FOUND.items():
        if isinstance(rest.get(key), str):
            reader.wrong((*keys, key), f"found {shown(rest.pop(key))}: {right} or auto.")
    return {**read_grid(reader, types_of(TrainingSettings), rest, keys), **auto}


def with_fixed_batch_size(training: Grid) -> Grid:
    """The same without what `auto` leaves to be found, for which the default stands until then."""
    return {k: values for k, values in training.items() if k not in FOUND or values != (AUTO,)}


def _own_training(reader: Reader, value: Any, keys: Keys, part: type[Method]) -> Grid:
    reads_alone = part.uses_model and isinstance(value, dict) and set(value) == {LIMIT}
    if part.trained or reads_alone:
        return read_training(reader, value, (*keys, "training"))
    but = f" but {LIMIT}" if part.uses_model else ""
    message = f"'{keys[-1]}' is fitted in one go: there is no training to set{but}."
    reader.wrong((*keys, "training"), message)
    return {}


def _models(
    reader: Reader, own: Settings, part: type[Method], keys: Keys
) -> tuple[ModelChoice, ...]:
    """The entry's own models, in the place of the study's."""
    value, keys = own.get(MODEL), (*keys, MODEL)
    if value is None:
        return ()
    if not part.uses_model:
        reader.wrong(keys, f"'{part.name}' uses no model.")
        return ()
    if value == []:
        reader.wrong(keys, "found []: a hub id, a folder, or a list of these.")
    return read_models(reader, value, keys)


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
