"""Reading the settings of one part (a task, the data, training, a method) with all its mistakes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from itertools import product
from typing import Any

from tunewise.core.errors import unknown
from tunewise.studies.document import Keys
from tunewise.studies.elsewhere import ours
from tunewise.studies.values import WRONG, Reader, name_of, options, right, shown, types_of

Grid = dict[str, tuple[Any, ...]]
"""Settings with each value they take: one, or those of a sweep."""

_MISTAKE = re.compile(r"(?P<name>\w+)(?P<below>(?:\.\w+)*)(?P<value> = .*?)?: (?P<words>.+)", re.S)


def combinations(grid: Mapping[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Every choice of one value for each setting, the last setting changing fastest.

    >>> list(combinations({"rank": (1, 2), "alpha": (16.0,)}))
    [{'rank': 1, 'alpha': 16.0}, {'rank': 2, 'alpha': 16.0}]
    """
    for values in product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def count(grid: Mapping[str, tuple[Any, ...]]) -> int:
    """How many combinations a grid has, without making them."""
    return math.prod(len(values) for values in grid.values())


def mapping(reader: Reader, value: Any, keys: Keys, example: str) -> dict[str, Any]:
    """The value as a mapping; nothing at all is an empty one."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    reader.wrong(keys, f"found {shown(value)}: a mapping of settings such as {example}.")
    return {}


def known_only(
    reader: Reader,
    values: Mapping[str, Any],
    keys: Keys,
    *,
    section: str,
    kind: str,
    known: list[str],
    others: Mapping[str, str],
) -> dict[str, Any]:
    """The values whose names exist; each other name is reported with what would be right.

    `section` is the part of the study file, and `kind` its words in the message; `others` says
    where else in a study a name belongs.
    """
    for key in values:
        if key in known:
            continue
        if key in others:
            message = f"unknown setting of {kind}: '{key}' stands {others[key]}."
        else:
            message = ours(key, section, known) or unknown(f"setting of {kind}", key, known)
        reader.wrong((*keys, key), message)
    return {key: value for key, value in values.items() if key in known}


def read_grid(reader: Reader, part: type, values: Mapping[str, Any], keys: Keys) -> Grid:
    """The given settings, each with the values of its sweep; wrong ones are left out."""
    types = types_of(part)
    grid = {key: reader.several(types[key], value, (*keys, key)) for key, value in values.items()}
    return {key: found for key, found in grid.items() if found}


def read_part(
    reader: Reader, part: type, values: Mapping[str, Any], keys: Keys, *, what: str
) -> Any:
    """One part without sweeps, such as the data; `WRONG` once its mistakes are reported."""
    before = len(reader.problems)
    found: dict[str, Any] = {}
    for key, value in values.items():
        kind = types_of(part)[key]
        nested = [option for option in options(kind) if is_dataclass(option)]
        if nested and value is not None:
            found[key] = _nested(reader, nested[0], value, (*keys, key))
        elif isinstance(value, list) and right(kind).find("list") < 0:
            reader.wrong((*keys, key), f"found {shown(value)}: {what} cannot vary in a study.")
        else:
            found[key] = reader.typed(kind, value, (*keys, key))
    found = {key: value for key, value in found.items() if value is not WRONG}
    if not missing(reader, part, values, keys):
        check(reader, part, found, lambda below: (*keys, *below))
    return WRONG if len(reader.problems) > before else build(part, found)


def _nested(reader: Reader, part: Any, value: Any, keys: Keys) -> Any:
    known = list(types_of(part))
    given = mapping(reader, value, keys, f"{{{known[0]}: ...}}")
    kind = f"'{keys[-1]}'"
    given = known_only(reader, given, keys, section="", kind=kind, known=known, others={})
    return read_part(reader, part, given, keys, what=kind)


def missing(reader: Reader, part: type, values: Mapping[str, Any], keys: Keys) -> bool:
    """Report the settings without a default that were not given."""
    lacking = _lacking(part, values)
    for name in lacking:
        reader.wrong(keys, f"needs '{name}': {right(types_of(part)[name])}.")
    return bool(lacking)


def _lacking(part: type, values: Mapping[str, Any]) -> list[str]:
    return [
        name_of(field.name)
        for field in fields(part)
        if field.default is MISSING
        and field.default_factory is MISSING
        and name_of(field.name) not in values
    ]


def check(
    reader: Reader, part: type, values: Mapping[str, Any], at: Callable[[Keys], Keys]
) -> None:
    """Report values of the right type that the part itself refuses; `at` says where they stand.

    A part stops at its first mistake, so a value it names is taken out and the rest tried again.
    """
    values = dict(values)
    while not _lacking(part, values):
        try:
            build(part, values)
            return
        except ValueError as error:
            match = _MISTAKE.fullmatch(str(error))
            name = match["name"] if match else ""
            if match is None or name not in values:
                reader.wrong(at(()), str(error))
                return
            below = tuple(match["below"].split(".")[1:])
            found = f"found {match['value'][3:]}: " if match["value"] else ""
            reader.wrong(at((name, *below)), found + match["words"])
            del values[name]


def build(part: type, values: Mapping[str, Any]) -> Any:
    """The part itself, from settings by their names in the study file."""
    names = {name_of(field.name): field.name for field in fields(part)}
    return part(**{names[key]: value for key, value in values.items()})
