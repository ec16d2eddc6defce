"""One way to write a value as JSON, and the hash that follows from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

ID_LENGTH = 16

JSONObject = dict[str, Any]
"""An object of JSON on its way to or from a file or a pipe, or one whose keys are not ours."""

Settings = Mapping[str, Any]
"""Settings by name as JSON values, of a task, a method or a training: its class knows them."""

OPEN = "open"
"""Metadata of a field that holds, by name, every setting that has no field of its own."""


def canonical(value: Any) -> str:
    """The value as JSON with sorted keys, no spaces and no NaN: equal values, equal text.

    Raises:
        ValueError: a number is not finite.
        TypeError: something is not JSON.

    >>> canonical({"b": (1, 2.0), "a": None})
    '{"a":null,"b":[1,2.0]}'
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: Any) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the canonical JSON.

    >>> digest({"a": 1}) == digest({"a": 1})
    True
    """
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:ID_LENGTH]


def settings_of(part: Any) -> JSONObject:
    """Every setting of a dataclass as plain JSON values."""
    return _flat({field: getattr(part, field.name) for field in fields(part)})


def changed_settings(part: Any) -> JSONObject:
    """The settings that differ from their default.

    Ids are made of these, so a new option with a default renames no old trial. A part with an
    open field keeps no default in it.
    """
    values = {field: getattr(part, field.name) for field in fields(part)}
    return _flat(
        {
            field: value
            for field, value in values.items()
            if field.default is MISSING or value != field.default
        }
    )


def open_field(part: type) -> str | None:
    """The name of a dataclass's open field, if it has one."""
    found = (field.name for field in fields(part) if field.metadata.get(OPEN))
    return next(found, None)


def arguments(part: type, settings: Settings) -> JSONObject:
    """What a dataclass is made with: settings without a field of their own go into the open one.

    Where there is no open field, all settings are fields.
    """
    opened = open_field(part)
    if opened is None:
        return dict(settings)
    own = {field.name for field in fields(part)} - {opened}
    found = {name: value for name, value in settings.items() if name in own}
    return {**found, opened: {n: value for n, value in settings.items() if n not in own}}


def _flat(values: Mapping[Field[Any], Any]) -> JSONObject:
    """Plain values by name, those of an open field beside the others."""
    found: JSONObject = {}
    for field, value in values.items():
        found |= _plain(value) if field.metadata.get(OPEN) else {field.name: _plain(value)}
    return found


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return settings_of(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
