"""Parquet, with the class names that the hub's own files carry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tunewise.core.errors import InputError, Problem
from tunewise.data.rows import PLACE, Row, Table, twice_in

_PANDAS_INDEX = "__index_level_"


def read_parquet(path: Path, shown: str) -> Table:
    """All rows of a file; see `from_arrow`."""
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError([Problem(shown, f"cannot be read as Parquet ({reason}).")]) from error
    return from_arrow(table, _class_names(table.schema.metadata or {}), shown)


def from_arrow(table: pa.Table, names: dict[str, tuple[str, ...]], shown: str) -> Table:
    """The rows of an Arrow table as Python values.

    `names` are the class names of label columns. In such a column -1 means "no label", as in the
    hub's own data, and becomes None.
    """
    columns = [name for name in table.column_names if not name.startswith(_PANDAS_INDEX)]
    _check_columns(columns, shown)
    values = {name: _values(table, name, shown) for name in columns}
    for name in names.keys() & values.keys():
        values[name] = [None if value == -1 else value for value in values[name]]
    rows: list[Row] = [
        {**dict(zip(columns, row, strict=True)), PLACE: f"{shown}[{number}]"}
        for number, row in enumerate(zip(*values.values(), strict=True))
    ]
    return Table(tuple(columns), rows, names=names)


def _check_columns(columns: list[str], shown: str) -> None:
    problems = [Problem(shown, f"two columns are called '{name}'.") for name in twice_in(columns)]
    if PLACE in columns:
        problems.append(Problem(shown, f"the column name '{PLACE}' is reserved; rename it."))
    if problems:
        raise InputError(problems)


def _values(table: Any, name: str, shown: str) -> list[Any]:
    try:
        values: list[Any] = table.column(name).to_pylist()
    except UnicodeDecodeError as error:
        raise InputError(
            [Problem(shown, f"column '{name}' holds text that is not UTF-8.")]
        ) from error
    for number, value in enumerate(values):
        if isinstance(value, str) and "\0" in value:
            raise InputError(
                [Problem(f"{shown}[{number}]", f"'{name}' holds NUL (0x00); remove it.")]
            )
    return values


def _class_names(metadata: dict[bytes, bytes]) -> dict[str, tuple[str, ...]]:
    """The names that the `datasets` library writes into a file's metadata, by column."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {
            name: tuple(feature["names"])
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, AttributeError, ValueError):
        return {}  # the file comes from elsewhere
