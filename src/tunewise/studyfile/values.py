"""Checking one value against the type that a setting declares, and saying what would be right."""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from tunewise.core.canonical import OPEN
from tunewise.core.errors import Problem, SettingError, nearest
from tunewise.studyfile.document import Document, Keys
from tunewise.studyfile.reading import scalar

MOST_LETTERS = 80
MOST_OF_A_MESSAGE = 2000  # letters; a part may repeat the whole of what it was given
_SINGULAR = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
_PLURAL = {int: "whole numbers", float: "numbers", str: "text"}
WRONG: Any = object()
"""Stands for a value that was reported and cannot be used."""


class Reader:
    """A document being read, with every mistake found so far."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._found: dict[Problem, int] = {}  # with the line, to report them from top to bottom
        for problem in document.problems:
            self._found[problem] = 0

    @property
    def problems(self) -> list[Problem]:
        return sorted(self._found, key=lambda problem: self._found[problem])

    def wrong(self, keys: Keys, message: str) -> None:
        """Report a mistake; the same one, met on several ways, is reported once."""
        if len(message) > MOST_OF_A_MESSAGE:  # what was found stands first, what is right last
            message = (
                f"{message[: MOST_OF_A_MESSAGE // 2]} ... {message[-MOST_OF_A_MESSAGE // 2 :]}"
            )
        problem = Problem(self.document.place(keys), message)
        self._found.setdefault(problem, self.document.line(keys))

    def refused(self, error: SettingError, keys: Keys) -> None:
        """Report a value of the right type that its part refuses."""
        found = shown(error.value).removesuffix(".0")  # a study's 1 was read as 1.0
        self.wrong(keys, f"found {found}: {error.expected}")

    def typed(self, kind: Any, value: Any, keys: Keys) -> Any:
        """The value as its type has it (32 as 32.0 for a number), or `WRONG` once reported.

        Types are strict: no text is taken for a number, no truth value for a whole number.
        A single value stands for a list of one.
        """
        may_be_itself = type(value) in options(kind)
        if is_list(kind) and not isinstance(value, (list, NoneType)) and not may_be_itself:
            value = [value]
        try:
            return _adapter(kind).validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            # Which items of a list are wrong, or None for the value as a whole.
            items = range(len(value)) if isinstance(value, list) else range(0)
            wrong: list[int | None] = [
                next((part for part in mistake["loc"] if isinstance(part, int)), None)
                for mistake in error.errors(include_url=False)
            ]
            for at in dict.fromkeys(wrong) if all(at in items for at in wrong) else [None]:
                found, one = (value, kind) if at is None else (value[at], element(kind, at))
                where = keys if at is None else (*keys, at)
                kinds = options(one)
                choices = [str(choice) for option in kinds for choice in get_args(option)]
                only_words = all(get_origin(option) is Literal for option in kinds)
                if only_words and isinstance(found, str):
                    self.wrong(where, f"found {shown(found)}. {nearest(found, choices)}")
                else:
                    quotes = _quotes(one, found)
                    self.wrong(where, f"found {shown(found)}: {right(one)}{quotes}.")
            return WRONG

    def several(self, kind: Any, value: Any, keys: Keys) -> tuple[Any, ...]:
        """The values of a setting: one, or each of a sweep. A list setting sweeps over lists."""
        if is_list(kind):
            sweep = isinstance(value, list) and any(isinstance(item, list) for item in value)
            if sweep and is_list(element(kind)):  # whose single value is a list of lists
                several = [item for item in value if isinstance(item, list)]
                sweep = any(isinstance(inner, list) for item in several for inner in item)
        else:
            sweep = isinstance(value, list)
        if not sweep:
            one = self.typed(kind, value, keys)
            return () if one is WRONG else (one,)
        if not value:
            self.wrong(keys, "found an empty list: a sweep needs a value, or nothing is left.")
        each = [self.typed(kind, item, (*keys, number)) for number, item in enumerate(value)]
        return tuple(item for item in each if item is not WRONG)


@cache
def types_of(part: type) -> dict[str, Any]:
    """The declared type of each setting, by its name in the study file.

    `from` cannot name a field of a Python class, so fields may end in an underscore.
    """
    hints = get_type_hints(part)
    named = [field for field in fields(part) if not field.metadata.get(OPEN)]
    return {name_of(field.name): hints[field.name] for field in named}


def name_of(field: str) -> str:
    """What a field is called in the study file."""
    return field.removesuffix("_")


def options(kind: Any) -> list[Any]:
    """The members of a union, without None; else the type itself.

    >>> options(int | None), options(str)
    ([<class 'int'>], [<class 'str'>])
    """
    if get_origin(kind) in (Union, UnionType):
        return [option for option in get_args(kind) if option is not NoneType]
    return [kind]


def is_list(kind: Any) -> bool:
    """Whether the setting is itself a list of any length, such as ``targets``."""
    return any(get_origin(option) is tuple for option in options(kind))


def element(kind: Any, position: int = 0) -> Any:
    """The type of an item of a list setting.

    >>> element(tuple[str, ...], 3), element(tuple[int, float], 1)
    (<class 'str'>, <class 'float'>)
    """
    lists = [option for option in options(kind) if get_origin(option) is tuple]
    items = get_args(lists[0])
    return items[0] if items[-1] is Ellipsis else items[position]


def right(kind: Any) -> str:
    """What a type means in words.

    >>> right(float | None), right(tuple[str, ...]), right(Literal["best", "last"])
    ('a number', 'a list of text', 'best or last')
    """
    return " or ".join(_words(option) for option in options(kind))


def shown(value: Any) -> str:
    """A value the way a study file writes it, cut where it is long.

    >>> shown(None), shown([1, True, "x"]), shown({"a": 1})
    ('nothing', "[1, true, 'x']", '{a: 1}')
    """
    text = _shown(value)
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}..."


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_shown(item) for item in value[:MOST_LETTERS])}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) + "}"
    return repr(value)


def _words(kind: Any) -> str:
    if kind in _SINGULAR:
        return _SINGULAR[kind]
    if get_origin(kind) is Literal:
        return " or ".join(str(choice) for choice in get_args(kind))
    if get_origin(kind) is tuple:
        items = get_args(kind)
        length = "" if items[-1] is Ellipsis else f"{len(items)} "
        return f"a list of {length}{_PLURAL.get(items[0], 'values')}"
    if get_origin(kind) is dict:
        return f"a mapping such as {{name: {right(get_args(kind)[1])}}}"
    return "a mapping"


def _quotes(kind: Any, value: Any) -> str:
    """A remark where only quotes are wrong."""
    if isinstance(value, str):
        meant = type(scalar(value))
        fits = meant in options(kind) or (meant is int and float in options(kind))
        return "; take off the quotes" if fits and meant is not str else ""
    return "; put it in quotes" if isinstance(value, (int, float)) and str in options(kind) else ""


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
