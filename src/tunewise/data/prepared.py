"""The splits of a study as they lie in its folder, and the hash that names their content.

Everything after the launcher reads these files. The hash is made of the rows, not of the Parquet
bytes, so another version of the library that writes them gives the same name.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, overload

import pyarrow as pa
import pyarrow.parquet as pq

from tunewise.core.canonical import ID_LENGTH, canonical
from tunewise.core.errors import DamagedFile
from tunewise.core.files import write_bytes, write_together
from tunewise.data.labels import Labels
from tunewise.data.table import SPLITS, Row, Splits, cell_text

IMAGES = "pictures"  # the folder of images, beside the splits
Made = TypeVar("Made")
Other = TypeVar("Other")
AT_ONCE = 2000  # rows that are made objects of Python, or come from them, at a time


def prepared_rows(
    splits: Splits, texts: Sequence[str], label: str, labels: Labels, *, keep: Sequence[str] = ()
) -> Splits:
    """The rows reduced to ``id``, the texts, the label's position, and columns kept as text."""
    return {
        name: [
            {
                "id": row["id"],
                **{column: row[column] for column in texts},
                label: labels.position(row[label]),
                **{column: cell_text(row.get(column)) for column in keep if column not in texts},
            }
            for row in rows
        ]
        for name, rows in splits.items()
    }


def write_prepared(folder: Path, splits: Splits) -> None:
    """Write ``<split>.parquet`` for each split, each file at once."""
    for name, rows in splits.items():
        columns = {key: [row.get(key) for row in rows] for key in _stored(rows[0] if rows else {})}
        buffer = io.BytesIO()
        pq.write_table(pa.table(columns), buffer)
        write_bytes(folder / f"{name}.parquet", buffer.getvalue())


def write_images(folder: Path, images: Mapping[str, bytes]) -> None:
    """Write each image under its name, which is of its content: a whole one stays."""
    place = folder / IMAGES
    lacking = {
        name: content
        for name, content in images.items()
        if not (path := place / name).is_file() or path.read_bytes() != content
    }
    if lacking:
        write_together(place, lacking)


class PreparedRows(Sequence[Made]):
    """What is made of the rows of a split, of which only those at hand are objects of Python."""

    def __init__(self, table: pa.Table, make: Callable[[Row], Made]) -> None:
        self.table, self.make = table, make

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Made]:
        for batch in self.table.to_batches(max_chunksize=AT_ONCE):
            yield from map(self.make, batch.to_pylist())

    @overload
    def __getitem__(self, place: int) -> Made: ...
    @overload
    def __getitem__(self, place: slice) -> list[Made]: ...
    def __getitem__(self, place: int | slice) -> Made | list[Made]:
        places = range(len(self))[place]
        if isinstance(places, int):
            (row,) = self.table.slice(places, 1).to_pylist()
            return self.make(row)
        if places.step != 1:
            return [self[at] for at in places]
        return list(map(self.make, self.table.slice(places.start, len(places)).to_pylist()))

    def made_by(self, make: Callable[[Row], Other]) -> PreparedRows[Other]:
        """What another function makes of the same rows."""
        return PreparedRows(self.table, make)


def read_prepared(folder: Path, split: str) -> PreparedRows[Row]:
    """The rows of one split, as they were written.

    Raises:
        DamagedFile: the file is missing or is not what was written.
    """
    path = folder / f"{split}.parquet"
    try:
        return PreparedRows(pq.ParquetFile(path, memory_map=True).read(use_threads=False), dict)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DamagedFile(f"{path}: cannot be read as Parquet ({reason}).") from error


def hash_of(splits: Splits) -> str:
    """The name of this content: same rows in the same order, same hash, wherever they came from.

    >>> hash_of({"train": [{"id": "a", "text": "x", "label": 0}]})
    '5718c1f9563332a8'
    """
    total = hashlib.sha256()
    for name in SPLITS:
        if name in splits:
            total.update(f"{name} {len(splits[name])}\n".encode())
            for row in splits[name]:
                total.update(canonical(_stored(row)).encode("utf-8") + b"\n")
    return total.hexdigest()[:ID_LENGTH]


def label_counts(splits: Splits, label: str, labels: Labels) -> dict[str, dict[str, int]]:
    """How often each option occurs in each split of prepared rows; zeros are written out."""
    counts = {name: Counter(row[label] for row in rows) for name, rows in splits.items()}
    return {
        name: {option: count[position] for position, option in enumerate(labels.options)}
        for name, count in counts.items()
    }


def _stored(row: Row) -> Row:
    return {column: value for column, value in row.items() if not column.startswith("_")}
