"""Tokens of many texts, a chunk at a time, kept for every study of a user.

A tokenizer's own records take 15 kB for a row of 90 characters until a call ends, so that many
rows are never read in one. What it made of a whole chunk is kept by its content: the tokenizer with
its vocabulary, how it was asked, and the texts. Preparing a study, its trials and its tests then
read the same texts once. The files are mapped into memory, so that whoever reads them has copies of
only those rows that stand in the batch at hand.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from tunewise.core.cache import cache_folder
from tunewise.core.canonical import digest
from tunewise.core.files import HASH, write_bytes

CHUNK = 2000  # rows in a call
VERSION = 2  # rises when kept tokens would differ
LENGTHS = "lengths"  # of the rows, the same in every column
NAMES = "columns"  # in their order

Rows = Sequence[tuple[str, ...]]
Columns = dict[str, Sequence[list[int]]]
"""What a model reads of each row: a list of numbers, by the names of its arguments."""

Read = Callable[[Rows], Mapping[str, Sequence[list[int]]]]


@dataclass(frozen=True)
class Chunk:
    """What a tokenizer made of some rows, one after another in arrays of four bytes a number.

    A column of one number throughout, as masks are, has it once.
    """

    columns: Mapping[str, NDArray[np.int32]]
    lengths: NDArray[np.int32]  # of the rows

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[list[int]]]) -> Chunk:
        flat = {
            name: _once(np.fromiter(chain.from_iterable(values), dtype=np.int32))
            for name, values in columns.items()
        }
        lengths = {tuple(map(len, values)) for values in columns.values()}
        (same,) = lengths  # every argument says something of every token
        return cls(flat, np.array(same, dtype=np.int32))

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Where each row ends."""
        return np.cumsum(self.lengths, dtype=np.int64)

    def row(self, name: str, place: int) -> list[int]:
        end, length = int(self.ends[place]), int(self.lengths[place])
        values = self.columns[name]
        if len(values) == 1:
            return [int(values[0])] * length
        found: list[int] = values[end - length : end].tolist()
        return found


class Column(Sequence[list[int]]):
    """A column of many rows, each of which is made when it is asked for."""

    def __init__(self, name: str, chunks: Sequence[Chunk]) -> None:
        self.name, self.chunks = name, chunks
        self.starts = list(accumulate((len(chunk.lengths) for chunk in chunks), initial=0))

    @property
    def lengths(self) -> list[int]:
        """The lengths of all rows."""
        found: list[int] = np.concatenate([chunk.lengths for chunk in self.chunks]).tolist()
        return found

    def __len__(self) -> int:
        return self.starts[-1]

    @overload
    def __getitem__(self, place: int) -> list[int]: ...
    @overload
    def __getitem__(self, place: slice) -> list[list[int]]: ...
    def __getitem__(self, place: int | slice) -> list[int] | list[list[int]]:
        if isinstance(place, slice):
            return [self[at] for at in range(*place.indices(len(self)))]
        at = range(len(self))[place]
        number = bisect_right(self.starts, at) - 1
        return self.chunks[number].row(self.name, at - self.starts[number])


def lengths_of(rows: Sequence[list[int]]) -> list[int]:
    """How many numbers each row has; of kept rows none is made for it."""
    return rows.lengths if isinstance(rows, Column) else list(map(len, rows))


def in_chunks(tokenizer: Any, rows: Rows, options: object, read: Read) -> Columns:
    """What `read` makes of rows, asked for a chunk at a time; of more than one it is kept.

    Args:
        tokenizer: that `read` asks.
        rows: texts, as many in each.
        options: all else that the result depends on, as something with a plain `repr`.
        read: makes the columns of some rows; what it makes of a row depends on no other.
    """
    if len(rows) <= CHUNK:
        return dict(read(rows))
    name = name_of(tokenizer)
    chunks = []
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        if name is None:
            chunks.append(Chunk.of(read(part)))
        else:
            content = hashlib.sha256(repr((options, list(part))).encode()).hexdigest()
            path = cache_folder() / "tokens" / name / f"{content[:32]}.safetensors"
            chunks.append(_kept(path, part, read))
    return {column: Column(column, chunks) for column in chunks[0].columns}


def name_of(tokenizer: Any) -> str | None:
    """A tokenizer by all that decides what it makes of a text; None where that cannot be read."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return None
    backend.no_truncation()  # left by the last call, and set anew by the next
    backend.no_padding()
    parts = {
        "version": VERSION,
        "packages": [version("tokenizers"), version("transformers")],
        "class": f"{type(tokenizer).__module__}.{type(tokenizer).__qualname__}",
        "content": hashlib.sha256(backend.to_str().encode()).hexdigest(),
        "unknown": tokenizer.unk_token_id,
        "special": sorted(map(str, tokenizer.all_special_tokens)),
        "inputs": list(tokenizer.model_input_names),
        "truncation": tokenizer.truncation_side,
    }
    return digest(parts)


def _kept(path: Path, rows: Rows, read: Read) -> Chunk:
    with suppress(OSError, SafetensorError, KeyError, ValueError):
        return _mapped(path)
    chunk = Chunk.of(read(rows))
    with suppress(OSError):  # there can be no cache: it stays in memory
        tensors = {**chunk.columns, LENGTHS: chunk.lengths}
        facts = {HASH: _hash(tensors), NAMES: json.dumps([*chunk.columns])}
        write_bytes(path, save(tensors, facts))
        return _mapped(path)
    return chunk


def _mapped(path: Path) -> Chunk:
    """The chunk in a file.

    Raises:
        ValueError, KeyError, SafetensorError: it is not what was written.
        OSError: it is not there.
    """
    # As tensors of torch they are mapped, as arrays of numpy they would be copied.
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name).numpy() for name in file.keys()}  # noqa: SIM118  # no mapping
        known = file.metadata() or {}
    if _hash(tensors) != known[HASH]:
        raise ValueError(f"{path}: damaged.")
    return Chunk({name: tensors[name] for name in json.loads(known[NAMES])}, tensors[LENGTHS])


def _hash(tensors: Mapping[str, NDArray[np.int32]]) -> str:
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode())
        total.update(tensors[name].data)
    return total.hexdigest()


def _once(values: NDArray[np.int32]) -> NDArray[np.int32]:
    """The first alone, where all are the same."""
    return values[:1] if len(values) and (values == values[0]).all() else values
