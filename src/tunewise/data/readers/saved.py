"""Folders that `datasets` writes with ``save_to_disk``: Arrow files, and JSON that names them.

Read without `datasets`, and only files that lie in the folder itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from tunewise.core.errors import InputError, Problem
from tunewise.core.files import sha256_of
from tunewise.data.readers.encoding import read_text
from tunewise.data.readers.parquet import UNREADABLE, class_names, from_arrow
from tunewise.data.table import Table

_SPLITS = "dataset_dict.json"  # of a folder with a folder for each split
_STATE = "state.json"
_INFO = "dataset_info.json"


def is_saved(folder: Path) -> bool:
    """Whether a folder was written by ``save_to_disk``, with splits or without."""
    return (folder / _SPLITS).is_file() or is_single(folder)


def is_single(folder: Path) -> bool:
    """Whether a folder was written by ``save_to_disk`` and holds one table."""
    return (folder / _STATE).is_file() and (folder / _INFO).is_file()


def read_saved(folder: Path, shown: str) -> tuple[dict[str, Table], dict[str, Any]]:
    """The table of each split by its own name, "train" where there are none, and the files' hashes.

    Raises:
        InputError: a part is missing, damaged, or lies elsewhere.
    """
    if is_single(folder):
        parts = {"train": (folder, shown)}
    else:
        parts = {
            name: (folder / name, f"{shown}/{name}")
            for name in _plain_names(_read_json(folder / _SPLITS, shown), "splits", shown)
        }
    tables, hashes = {}, {}
    for split, (place, place_shown) in parts.items():
        state = _read_json(place / _STATE, place_shown)
        names = _plain_names(state, "_data_files", place_shown)
        tables[split] = _table(place, names, place_shown)
        hashes[split] = {name: sha256_of(place / name) for name in names}
    return tables, hashes


def _table(folder: Path, names: list[str], shown: str) -> Table:
    pieces = []
    for name in names:
        try:
            with (folder / name).open("rb") as file, pa.ipc.open_stream(file) as stream:
                piece = stream.read_all()
            piece.validate(full=True)  # damage inside would end the process when it is read
        except UNREADABLE as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:300]
            unreadable = Problem(f"{shown}/{name}", f"cannot be read as Arrow ({reason}).")
            raise InputError([unreadable]) from error
        pieces.append(piece)
    try:
        table = pa.concat_tables(pieces)
    except UNREADABLE as error:
        raise InputError([Problem(shown, f"its files do not fit together ({error}).")]) from error
    if not table.num_rows:
        raise InputError([Problem(shown, "has no rows.")])
    return from_arrow(table, class_names(table.schema.metadata or {}), shown)


def _read_json(path: Path, shown: str) -> Any:
    place = f"{shown}/{path.name}"
    try:
        return json.loads(read_text(path, place).content)
    except (ValueError, RecursionError) as error:
        raise InputError([Problem(place, f"is not JSON ({error}).")]) from error


def _plain_names(content: Any, key: str, shown: str) -> list[str]:
    """The names that a list in one of the JSON files gives, each of something in the folder."""
    listed = content.get(key) if isinstance(content, dict) else None
    names: list[str] = []
    for value in listed if isinstance(listed, list) else []:
        name = value.get("filename") if isinstance(value, dict) else value
        names.append(name if isinstance(name, str) else "")
    if not names or any(name in ("", ".", "..") or set("/\\\0") & set(name) for name in names):
        message = f"'{key}' does not list names in this folder, as `save_to_disk` writes them."
        raise InputError([Problem(shown, message)])
    return names
