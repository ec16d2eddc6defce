"""Reading the settings of one part (a task, the data, training, a method) with all its mistakes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from itertools import product
from typing import Any

from tunewise.backbones.sources import PAIR
from tunewise.core.canonical import JSONObject, Settings, arguments
from tunewise.core.errors import SettingError
from tunewise.core.paths import no_path
from tunewise.studyfile.document import Keys
from tunewise.studyfile.names import known_only
from tunewise.studyfile.settings import Grid, ModelChoice
from tunewise.studyfile.values import (
    WRONG,
    Reader,
    is_list,
    name_of,
    options,
    right,
    shown,
    types_of,
)

ENCODERS = ("image", "text")  # of a model that reads both


def combinations(grid: Mapping[str, tuple[Any, ...]]) -> Iterator[JSONObject]:
    """Every choice of one value for each setting, the last setting changing fastest.

    >>> list(combinations({"rank": (1, 2), "alpha": (16.0,)}))
    [{'rank': 1, 'alpha': 16.0}, {'rank': 2, 'alpha': 16.0}]
    """
    for values in product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def count(grid: Mapping[str, tuple[Any, ...]]) -> int:
    """How many combinations a grid has, without making them."""
    return math.prod(len(values) for values in grid.values())


def mapping(reader: Reader, value: Any, keys: Keys, example: str) -> JSONObject:
    """The value as a mapping; nothing at all is an empty one."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    reader.wrong(keys, f"found {shown(value)}: a mapping of settings such as {example}.")
    return {}


def read_grid(reader: Reader, types: Settings, values: Settings, keys: Keys) -> Grid:
    """The given settings, each with the values of its sweep; wrong ones are left out."""
    grid = {key: reader.several(types[key], value, (*keys, key)) for key, value in values.items()}
    return {key: found for key, found in grid.items() if found}


def read_part(
    reader: Reader,
    part: type,
    values: Settings,
    keys: Keys,
    *,
    what: str,
    complete: bool = True,
) -> Any:
    """One part without sweeps, such as the data; `WRONG` once its mistakes are reported.

    `complete` is False where some of its settings were misspelled: what it lacks may be those.
    """
    before = len(reader.problems)
    found: JSONObject = {}
    for key, value in values.items():
        kind = types_of(part)[key]
        nested = [option for option in options(kind) if is_dataclass(option)]
        if nested and value is not None:
            found[key] = _nested(reader, nested[0], value, (*keys, key))
        elif isinstance(value, list) and not is_list(kind):
            message = f"found {shown(value)}: {right(kind)}; {what} cannot vary within a study."
            reader.wrong((*keys, key), message)
        else:
            found[key] = reader.typed(kind, value, (*keys, key))
    found = {key: value for key, value in found.items() if value is not WRONG}
    if complete:
        missing(reader, part, values, keys)
    complete = complete and len(reader.problems) == before
    check(reader, part, found, lambda below: (*keys, *below), complete=complete)
    return WRONG if len(reader.problems) > before or not complete else build(part, found)


def _nested(reader: Reader, part: Any, value: Any, keys: Keys) -> Any:
    known = list(types_of(part))
    given = mapping(reader, value, keys, f"{{{known[0]}: ...}}")
    kind = f"'{keys[-1]}'"
    right_ones = known_only(reader, given, keys, kind=kind, known=known)
    complete = len(right_ones) == len(given)
    return read_part(reader, part, right_ones, keys, what=kind, complete=complete)


def missing(reader: Reader, part: type, values: Settings, keys: Keys) -> list[str]:
    """Report the settings without a default that were not given."""
    lacking = _lacking(part, values)
    for name in lacking:
        reader.wrong(keys, f"needs '{name}': {right(types_of(part)[name])}.")
    return lacking


def _lacking(part: type, values: Settings) -> list[str]:
    return [
        name_of(field.name)
        for field in fields(part)
        if field.default is MISSING
        and field.default_factory is MISSING
        and name_of(field.name) not in values
    ]


def check(
    reader: Reader,
    part: type,
    values: Settings,
    at: Callable[[Keys], Keys],
    *,
    complete: bool = True,
) -> None:
    """Report values of the right type that the part itself refuses; `at` says where they stand.

    A part stops at its first mistake, so a value it names is taken out and the rest tried again;
    what is then reported of the part as a whole, which is not `complete` any more, does not count.
    """
    values = dict(values)
    while not _lacking(part, values):
        try:
            build(part, values)
            return
        except ValueError as error:
            if not isinstance(error, SettingError) or error.name not in values:
                if complete:
                    reader.wrong(at(()), str(error))
                return
            reader.refused(error, at(error.keys))
            del values[error.name]
            complete = False


def build(part: type, values: Settings) -> Any:
    """The part itself, from settings by their names in the study file."""
    names = {name_of(field.name): field.name for field in fields(part)}
    return part(**arguments(part, {names.get(key, key): v for key, v in values.items()}))


def read_models(reader: Reader, value: Any, keys: Keys) -> tuple[ModelChoice, ...]:
    """The models that a study or an entry names: one, a pair of encoders, or a list of these."""
    several = isinstance(value, list)
    texts = reader.typed(tuple[str, ...], _pairs_as_names(value), keys)
    if texts is WRONG:
        return ()
    models = [ModelChoice.of(text) for text in texts]
    for number, model in enumerate(models):
        place = (*keys, number) if several else keys
        check_name(reader, model.source, place)
        if not model.source.strip() or model.revision == "":
            right = "a hub id (name@revision) or a folder"
            reader.wrong(place, f"found {shown(texts[number])}: {right}.")
    return tuple(models)


def check_name(reader: Reader, name: str, keys: Keys) -> None:
    """Report a name that no file or folder can have."""
    if reason := no_path(name):
        reader.wrong(keys, f"found {shown(name)}: {reason}.")


def _pairs_as_names(value: Any) -> Any:
    """Models given as ``{image: ..., text: ...}`` under the one name they have everywhere else."""
    if isinstance(value, list):
        return [_pairs_as_names(item) for item in value]
    if isinstance(value, Mapping) and set(value) == set(ENCODERS):
        return PAIR.join(str(value[part]) for part in ENCODERS)
    return value
