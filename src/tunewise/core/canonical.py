"""One way to write a value as JSON, and the hash that follows from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

ID_LENGTH = 16


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


def settings_of(part: Any) -> dict[str, Any]:
    """Every setting of a dataclass as plain JSON values."""
    return {field.name: _plain(getattr(part, field.name)) for field in fields(part)}


def changed_settings(part: Any) -> dict[str, Any]:
    """The settings that differ from their default.

    Ids are made of these, so a new option with a default renames no old trial.
    """
    return {
        field.name: _plain(getattr(part, field.name))
        for field in fields(part)
        if field.default is MISSING or getattr(part, field.name) != field.default
    }


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return settings_of(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
