"""Frozen dataclasses that stand for objects of JSON: the way every stored record is read.

A record names the keys that this version knows. What an older version did not write is a field's
default; what a newer one wrote besides stays in `read`, and is written back where it stood. So
reading a record and writing it changes no byte of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from types import UnionType
from typing import Any, Self, get_args, get_origin, get_type_hints

from tunewise.core.canonical import JSONObject

KEY = "key"
"""In a field's metadata: what JSON calls it, where that is not the field's name."""

OPTIONAL = {"optional": True}
"""Metadata of a field whose key is written only where it says more than the default."""


_Known = tuple[tuple[Field[Any], Callable[[Any], Any]], ...]


class NotARecord(ValueError):
    """JSON is not what the record is read from; the text says of which record, and why."""


@dataclass(frozen=True)
class JSONRecord:
    """An object of JSON whose known keys are fields.

    Fields may be plain values, records, and tuples and mappings of these; where JSON says null, a
    tuple, a mapping or a record is empty, unless its field may be None.
    """

    read: Mapping[str, Any] | None = field(default=None, repr=False, compare=False, kw_only=True)

    @classmethod
    def from_json(cls, values: Any) -> Self:
        """Read what `as_json` wrote, in this version or another.

        Raises:
            NotARecord: it is no object, a key without a default is missing, or another is no
                list or object although it was always one.
        """
        if not isinstance(values, Mapping):
            raise NotARecord(f"{cls.__name__}: no object of JSON.")
        found = {}
        for known, reads in cls._known():
            key = _key(known)
            if key in values:
                found[known.name] = reads(values[key])
            elif known.default is MISSING and known.default_factory is MISSING:
                raise NotARecord(f"{cls.__name__}: it has no '{key}'.")
        return cls(**found, read=values)

    def as_json(self) -> JSONObject:
        """The object of JSON: keys as they were read, or in the order of the fields."""
        written = dict(self.read or {})
        for known, _ in self._known():
            key, value = _key(known), getattr(self, known.name)
            may_be_missing = known.metadata.get("optional") or self.read is not None
            make = known.default_factory
            default = known.default if make is MISSING else make()
            if key in written or not may_be_missing or value != default:
                written[key] = _written(value)
        return written

    @classmethod
    def _known(cls) -> _Known:
        kind: Any = cls  # mypy would ask the class for a hash as its objects have it
        return _readers(kind)


def _key(known: Field[Any]) -> str:
    return str(known.metadata.get(KEY, known.name))


@cache
def _readers(record: Any) -> _Known:
    """The fields that are keys, each with what reads its value."""
    types = get_type_hints(record)
    return tuple((f, _reader(types[f.name])) for f in fields(record) if f.name != "read")


def _reader(kind: Any) -> Callable[[Any], Any]:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:  # of None and one kind, or of plain values
        reads = _reader(inner[0])
        return lambda value: None if value is None else reads(value)
    if isinstance(kind, type) and issubclass(kind, JSONRecord):
        return lambda value: kind.from_json({} if value is None else value)
    if origin is tuple:
        return lambda value: tuple(map(_reader(inner[0]), _checked(value, list)))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        reads = _reader(inner[1])
        return lambda value: {key: reads(each) for key, each in _checked(value, Mapping).items()}
    return lambda value: value


def _checked(value: Any, kind: type) -> Any:
    if value is None:
        return kind() if kind is list else {}
    if not isinstance(value, kind):
        raise NotARecord(f"{value!r:.50} where a {kind.__name__.lower()} was expected.")
    return value


def _written(value: Any) -> Any:
    if isinstance(value, JSONRecord):
        return value.as_json()
    if isinstance(value, tuple):
        return [_written(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _written(each) for key, each in value.items()}
    return value
