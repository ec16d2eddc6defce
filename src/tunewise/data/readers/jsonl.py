"""JSON Lines: one object a line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tunewise.core.errors import InputError, Problem
from tunewise.data.readers.encoding import read_text
from tunewise.data.readers.nested import note_of, open_records
from tunewise.data.table import PLACE, Row, Table, twice_in

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def read_jsonl(path: Path, shown: str) -> Table:
    """All rows; every line that is wrong is reported, each with its number.

    Columns are all keys in the order of their first appearance; a row has only its own.
    """
    text, notes = read_text(path, shown)
    if text.lstrip().startswith("["):
        raise InputError(
            [Problem(shown, "is one JSON list, with all objects in it: call the file .json.")]
        )
    return table_of_lines(text, shown, notes)


def table_of_lines(text: str, shown: str, notes: tuple[str, ...] = ()) -> Table:
    """The rows of a text that has one JSON object on each line."""
    # Only "\n" ends a line: str.splitlines would also cut at U+2028 inside a text.
    lines = text.split("\n")
    rows: list[Row] = []
    problems: list[Problem] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{shown}:{number}"
        try:
            row = checked_row(load_json(line), escapes="\\u" in line)
        except (ValueError, RecursionError) as error:
            problems.append(Problem(place, _fault(error, last=number == len(lines))))
            continue
        row[PLACE] = place
        rows.append(row)
    if problems:
        raise InputError(problems)
    return table_of_rows(rows, shown, notes)


def table_of_rows(rows: list[Row], shown: str, notes: tuple[str, ...] = ()) -> Table:
    """Rows that may each have other keys, with all of them as columns; records are opened."""
    opened = note_of(open_records(rows), shown)
    columns = dict.fromkeys(key for row in rows for key in row if key != PLACE)
    return Table(tuple(columns), rows, notes=(*notes, *opened))


def load_json(text: str) -> Any:
    """JSON as the standard has it: no NaN, no key twice in an object.

    Raises:
        ValueError: it is none. RecursionError: it is nested too deeply.
    """
    return _STRICT.decode(text)


def checked_row(value: Any, *, escapes: bool = True) -> Row:
    """A row of a file, with nothing in it that no text holds; `escapes` may have brought that.

    Raises:
        ValueError: it is no object, or has a text or a key that cannot be. RecursionError: see
            `load_json`.
    """
    if not isinstance(value, dict):
        raise ValueError(f"holds {_kind(value)} where an object ({{...}}) is needed")
    if PLACE in value:
        raise ValueError(f"the key '{PLACE}' is reserved; rename it")
    if escapes:  # only an escape can bring these into strictly decoded text
        _refuse_broken_text(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        twice = twice_in([key for key, _ in pairs])[0]
        raise ValueError(f"the key '{twice}' stands twice in one object")
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON; write null where a value is missing")


# `json.loads` would make one for each line, which takes as long as reading it.
_STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)


def _refuse_broken_text(value: Any) -> None:
    match value:
        case str():
            if "\0" in value:
                raise ValueError("a text holds NUL (\\u0000), which no text holds; remove it")
            if found := _LONE_SURROGATE.search(value):
                raise ValueError(
                    f"a text holds half a character, the lone surrogate "
                    f"\\u{ord(found[0]):04x}: an emoji was cut in two, or the file mis-encoded"
                )
        case dict():
            for key, item in value.items():
                _refuse_broken_text(key)
                _refuse_broken_text(item)
        case list():
            for item in value:
                _refuse_broken_text(item)


def _fault(error: ValueError | RecursionError, *, last: bool) -> str:
    match error:
        case RecursionError():
            return "is nested too deeply."
        case json.JSONDecodeError() if last:
            return (
                f"the last line breaks off or is not JSON ({error.msg} at column {error.colno}): "
                "the file may not have been copied whole."
            )
        case json.JSONDecodeError():
            return f"is not JSON: {error.msg} at column {error.colno}. Each line holds one object."
        case _:
            return f"{error}."


def _kind(value: Any) -> str:
    match value:
        case list():
            return "a list"
        case str():
            return "a text"
        case None:
            return "null"
        case _:
            return f"the value {str(value)[:40]}"
