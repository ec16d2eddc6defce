"""The list of removed rows as it lies in a study's folder, beside the splits."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tunewise.core.errors import DamagedFile
from tunewise.core.files import write_bytes
from tunewise.data.cleaning.clean import Removed

FILE = "removed.parquet"
COLUMNS = tuple(each.name for each in fields(Removed))


def write_removed(folder: Path, removed: Sequence[Removed] | None) -> None:
    """Write the list, an empty one too; None where nothing was cleaned, and there is no file."""
    if removed is None:
        (folder / FILE).unlink(missing_ok=True)
        return
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([asdict(one) for one in removed], schema), content)
    write_bytes(folder / FILE, content.getvalue())


def read_removed(path: Path) -> list[Removed]:
    """The list as it was written.

    Raises:
        DamagedFile: the file is not what was written.
    """
    try:
        return [Removed(**row) for row in pq.ParquetFile(path).read().to_pylist()]
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise DamagedFile(f"{path}: cannot be read as Parquet ({reason}).") from error
