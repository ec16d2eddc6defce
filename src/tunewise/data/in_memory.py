"""Tables that Python holds: of pandas, Polars, Arrow or `datasets`, or a list of dictionaries.

None of these libraries is imported: a table is known by what it offers.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tunewise.core.canonical import ID_LENGTH
from tunewise.core.errors import InputError, Problem, reason
from tunewise.core.files import write_bytes
from tunewise.data.table import split_named

FOLDER = Path("runs", ".tables")  # beside the studies; each file is called by its content


def with_stored_tables(study: Mapping[str, Any]) -> Mapping[str, Any]:
    """A study whose tables in memory have become Parquet files that it names.

    A mapping from splits to tables, such as a ``DatasetDict``, stands for `files`.

    Raises:
        InputError: what stands for a table is none.
    """
    data = study.get("data")
    if is_table(data):
        data = {"source": data}
    if not isinstance(data, Mapping):
        return study
    stored = dict(data)
    source, files = stored.get("source"), stored.get("files")
    if splits := _splits_of(source):
        del stored["source"]
        stored["files"] = {
            split: stored_table(table, f"data.source[{split!r}]") for split, table in splits.items()
        }
    elif is_table(source):
        stored["source"] = stored_table(source, "data.source")
    if isinstance(files, Mapping):
        stored["files"] = {
            name: stored_table(value, f"data.files.{name}") if is_table(value) else value
            for name, value in files.items()
        }
    return {**study, "data": stored}


def is_table(value: Any) -> bool:
    """Whether rows and columns can be read off it.

    >>> is_table(pa.table({"text": ["a"]})), is_table([{"text": "a"}]), is_table("a.csv")
    (True, True, False)
    """
    if isinstance(value, (str, Path, Mapping)) or value is None:
        return False
    if isinstance(value, list):
        return bool(value) and all(isinstance(row, Mapping) for row in value)
    return (
        isinstance(value, pa.Table)
        or _is_dataset(value)
        or (
            hasattr(value, "columns")
            and (hasattr(value, "__arrow_c_stream__") or hasattr(value, "iloc"))
        )
    )


def as_arrow(value: Any) -> pa.Table:
    """The same table in Arrow's form. Class names of a `datasets` object stay with it."""
    if isinstance(value, pa.Table):
        return value
    if isinstance(value, list):
        return pa.Table.from_pylist([dict(row) for row in value])
    if _is_dataset(value):
        table = value.with_format("arrow")[:]
        return table.replace_schema_metadata(value.features.arrow_schema.metadata)
    if hasattr(value, "iloc"):  # pandas: its index is no column
        return pa.Table.from_pandas(value, preserve_index=False)
    return pa.table(value)


def _is_dataset(value: Any) -> bool:
    return hasattr(value, "with_format") and hasattr(value, "features")


def _splits_of(value: Any) -> dict[str, Any]:
    """The tables of a mapping by the splits they serve as; none where it is something else."""
    if not isinstance(value, Mapping) or not value or not all(map(is_table, value.values())):
        return {}
    named = {split_named(str(name)): table for name, table in value.items()}
    if None in named or len(named) < len(value):
        message = f"has the splits {', '.join(map(str, value))}; name them train, validation, test."
        raise InputError([Problem("data.source", message)])
    return {str(split): table for split, table in named.items()}


def stored_table(value: Any, place: str = "data") -> str:
    """Write a table under a name made of its content, unless it is there; returns its path."""
    content = io.BytesIO()
    try:
        pq.write_table(as_arrow(value), content)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        message = f"is a table that cannot be stored ({reason(error)}). Give columns of one type."
        raise InputError([Problem(place, message)]) from error
    name = hashlib.sha256(content.getvalue()).hexdigest()[:ID_LENGTH]
    path = FOLDER / f"{name}.parquet"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content.getvalue())
    return f"./{path.as_posix()}"
