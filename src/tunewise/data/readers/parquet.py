"""Parquet, with the class names that the hub's own files carry."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tunewise.core.errors import InputError, Problem
from tunewise.data.table import PLACE, Row, Table, unusable_names

_PANDAS_INDEX = "__index_level_"


LARGEST = 4 << 30  # bytes of all columns, unpacked: all rows are held in memory
MOST_ROWS = 20_000_000

UNREADABLE = (pa.ArrowException, OSError, ValueError, OverflowError)


def read_parquet(path: Path, shown: str) -> Table:
    """All rows of a file; see `from_arrow`.

    Raises:
        InputError: it is no whole Parquet file, too large, or has columns that cannot be.
    """
    try:
        with pq.ParquetFile(path) as file:
            rows, groups = file.metadata.num_rows, range(file.metadata.num_row_groups)
            size = sum(file.metadata.row_group(at).total_byte_size for at in groups)
            if size > LARGEST or rows > MOST_ROWS:
                message = (
                    f"has {rows:,} rows of {size / 2**30:,.1f} GiB unpacked; at most "
                    f"{MOST_ROWS:,} rows and {LARGEST / 2**30:g} GiB are read, because all rows "
                    "are held in memory. Take a part of the rows, or leave out columns."
                )
                raise InputError([Problem(shown, message)])
            table = file.read()
        table.validate(full=True)  # what is damaged inside would end the process when it is read
    except UNREADABLE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise InputError([Problem(shown, f"cannot be read as Parquet ({reason}).")]) from error
    return from_arrow(table, class_names(table.schema.metadata or {}), shown)


def from_arrow(table: pa.Table, names: dict[str, tuple[str, ...]], shown: str) -> Table:
    """The rows of an Arrow table as Python values.

    `names` are the class names of label columns. In such a column -1 means "no label", as in the
    hub's own data, and becomes None.
    """
    columns = [name for name in table.column_names if not name.startswith(_PANDAS_INDEX)]
    if problems := unusable_names(columns, shown):
        raise InputError(problems)
    values = {name: _values(table, name, shown) for name in columns}
    for name in names.keys() & values.keys():
        values[name] = [None if value == -1 else value for value in values[name]]
    rows: list[Row] = [
        {**dict(zip(columns, row, strict=True)), PLACE: f"{shown}[{number}]"}
        for number, row in enumerate(zip(*values.values(), strict=True))
    ]
    return Table(tuple(columns), rows, names=names)


def names_in(path: Path) -> dict[str, tuple[str, ...]]:
    """The class names that a Parquet file itself carries, by column; of a damaged one, none."""
    try:
        return class_names(pq.read_schema(path).metadata or {})
    except UNREADABLE:
        return {}


def _values(table: Any, name: str, shown: str) -> list[Any]:
    try:
        values: list[Any] = table.column(name).to_pylist()
    except UnicodeDecodeError as error:
        raise InputError(
            [Problem(shown, f"column '{name}' holds text that is not UTF-8.")]
        ) from error
    except UNREADABLE as error:
        kind = table.schema.field(name).type
        message = (
            f"column '{name}' holds values of type {kind} that cannot be read "
            f"({str(error).splitlines()[0]}). Leave the column out, or store it as text."
        )
        raise InputError([Problem(shown, message)]) from error
    if any(isinstance(value, bytes) for value in values):
        with suppress(UnicodeDecodeError):  # such as images stay bytes
            values = [value.decode() if isinstance(value, bytes) else value for value in values]
    for number, value in enumerate(values):
        if isinstance(value, str) and "\0" in value:
            raise InputError(
                [Problem(f"{shown}[{number}]", f"'{name}' holds NUL (0x00); remove it.")]
            )
    return values


def class_names(metadata: dict[bytes, bytes]) -> dict[str, tuple[str, ...]]:
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
