"""Tokens of many texts, a chunk at a time, kept for every study of a user.

A tokenizer's own records take 15 kB for a row of 90 characters until a call ends, so that many
rows are never read in one. What it made of a whole chunk is kept by its content: the tokenizer with
its vocabulary, how it was asked, and the texts. Preparing a study, its trials and its tests then
read the same texts once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib.metadata import version
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from tunewise.core.cache import cache_folder
from tunewise.core.canonical import digest
from tunewise.core.files import HASH, write_bytes

CHUNK = 2000  # rows in a call
VERSION = 1  # rises when kept tokens would differ
LENGTHS = ".lengths"  # of the rows of a column
NAMES = "columns"  # in their order

Rows = Sequence[tuple[str, ...]]
Columns = dict[str, list[Any]]
"""What a model reads of each row: a list of numbers, by the names of its arguments."""


def in_chunks(
    tokenizer: Any, rows: Rows, options: object, read: Callable[[Rows], Columns]
) -> Columns:
    """What `read` makes of rows, asked for a chunk at a time; of more than one it is kept.

    Args:
        tokenizer: that `read` asks.
        rows: texts, as many in each.
        options: all else that the result depends on, as something with a plain `repr`.
        read: makes the columns of some rows; what it makes of a row depends on no other.
    """
    if len(rows) <= CHUNK:
        return read(rows)
    name = name_of(tokenizer)
    found: Columns = {}
    ids: dict[int, int] = {}  # each number once: Python makes it anew for every token
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        if name is None:
            columns = read(part)
        else:
            content = hashlib.sha256(repr((options, list(part))).encode()).hexdigest()
            path = cache_folder() / "tokens" / name / f"{content[:32]}.safetensors"
            columns = _kept(path, part, read)
        for column, values in columns.items():
            found.setdefault(column, []).extend(_shared(column, values, ids))
    return found


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


def _kept(path: Path, rows: Rows, read: Callable[[Rows], Columns]) -> Columns:
    with suppress(OSError, SafetensorError, KeyError, ValueError):
        return _loaded(path)
    columns = read(rows)
    with suppress(OSError):  # there can be no cache: read again by whoever comes next
        tensors = dict(_flat(columns))
        write_bytes(path, save(tensors, {HASH: _hash(tensors), NAMES: json.dumps([*columns])}))
    return columns


def _flat(columns: Columns) -> Iterator[tuple[str, NDArray[np.int32]]]:
    for name, values in columns.items():
        yield name, np.fromiter(chain.from_iterable(values), dtype=np.int32)
        yield f"{name}{LENGTHS}", np.fromiter(map(len, values), dtype=np.int32)


def _loaded(path: Path) -> Columns:
    """The columns in a file.

    Raises:
        ValueError, KeyError, SafetensorError: it is not what was written.
        OSError: it is not there.
    """
    with safe_open(path, "np") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
        known = file.metadata() or {}
    if _hash(tensors) != known[HASH]:
        raise ValueError(f"{path}: damaged.")
    columns: Columns = {}
    for name in json.loads(known[NAMES]):
        numbers = tensors[name].tolist()
        ends = np.cumsum(tensors[f"{name}{LENGTHS}"]).tolist()
        columns[name] = [numbers[a:b] for a, b in pairwise([0, *ends])]
    return columns


def _hash(tensors: dict[str, NDArray[np.int32]]) -> str:
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode())
        total.update(tensors[name].tobytes())
    return total.hexdigest()


def _shared(name: str, rows: list[list[int]], ids: dict[int, int]) -> list[list[int]]:
    """The same rows with each number once in memory, and of masks each row once."""
    if name == "input_ids":
        return [[ids.setdefault(id, id) for id in row] for row in rows]
    seen: dict[tuple[int, ...], list[int]] = {}
    return [seen.setdefault(tuple(row), row) for row in rows]
