"""Vectors that are computed once, in shards, and kept for every study.

A shard is a file of a few hundred rows. It is written at once and never changed, so whoever was
killed goes on behind the last whole one. Shards are mapped into memory, not read: of a large
store only the rows in use take room.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from tunewise.core.errors import DamagedFile
from tunewise.core.files import (
    COMPLETE,
    HASH,
    check_complete,
    check_file,
    listed_files,
    mark_complete,
    write_bytes,
)

SHARD = 512  # rows
AT_ONCE = 32  # texts in a batch: fixed, because the last digits depend on it
IMAGES_AT_ONCE = 8  # likewise: on a CPU the outputs of a few layers then stay in its caches

OnRows = Callable[[int], None]
"""Hears how many rows more are there."""


@dataclass(frozen=True)
class Rows:
    """Stored rows, in shards of `SHARD`; the last one may be shorter."""

    shards: Sequence[Tensor]

    @classmethod
    def of(cls, rows: Tensor) -> Rows:
        """Rows that are kept in memory alone."""
        return cls(rows.split(SHARD))

    def __len__(self) -> int:
        return sum(len(shard) for shard in self.shards)

    def take(self, places: Sequence[int]) -> Tensor:
        """The rows at these places, in that order, shape (places, ...)."""
        return torch.stack([self.shards[place // SHARD][place % SHARD] for place in places])


def stored_rows(
    folder: Path,
    count: int,
    compute: Callable[[range], Tensor],
    *,
    on_rows: OnRows = lambda rows: None,
) -> Rows:
    """The rows in `folder`; those that are not there yet are computed and put there.

    Whoever comes second waits for the first. A damaged shard is computed again, a whole one never.

    Args:
        folder: named by what the rows are, so that its content can only be one thing.
        count: of the rows.
        compute: makes the rows of a range, float32. The same range gives the same rows.
        on_rows: hears of every shard, found or made.
    """
    ranges = [range(start, min(start + SHARD, count)) for start in range(0, count, SHARD)]
    with _alone(folder):
        if not _is_whole(folder):
            _remove_damaged(folder, {_name(number) for number in range(len(ranges))})
            for number, wanted in enumerate(ranges):
                _make(folder / _name(number), wanted, compute)
                on_rows(len(wanted))
            mark_complete(folder)
        else:
            on_rows(count)
        return read_rows(folder)


def read_rows(folder: Path) -> Rows:
    """The rows of a folder that is whole."""
    return Rows([load_file(path)["rows"] for path in sorted(folder.glob("rows-*.safetensors"))])


def share(folder: Path, other: Path) -> None:
    """Give another place the same files, without a copy where the file system can.

    Nothing happens where `other` cannot be written.
    """
    with suppress(OSError):
        other.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.iterdir(), key=lambda path: path.name == COMPLETE):
            target = other / path.name
            target.unlink(missing_ok=True)
            try:
                os.link(path, target)
            except OSError:
                write_bytes(target, path.read_bytes())


def _name(number: int) -> str:
    return f"rows-{number:05d}.safetensors"


def _make(path: Path, wanted: range, compute: Callable[[range], Tensor]) -> None:
    """Compute a shard, unless a whole one stands there from before a kill."""
    with suppress(OSError, SafetensorError), safe_open(path, "pt") as file:
        rows = file.get_tensor("rows")
        if len(rows) == len(wanted) and (file.metadata() or {}).get(HASH) == _hash(rows):
            return
    rows = compute(wanted).contiguous()
    write_bytes(path, save({"rows": rows}, {HASH: _hash(rows)}))


def _hash(rows: Tensor) -> str:
    return hashlib.sha256(rows.numpy().tobytes()).hexdigest()


def _is_whole(folder: Path) -> bool:
    try:
        check_complete(folder)
    except (DamagedFile, FileNotFoundError):
        return False
    return True


def _remove_damaged(folder: Path, names: Collection[str]) -> None:
    """Leave of the shards only these, and of them what the marker says, where there is one."""
    listed: dict[str, Any] = {}
    with suppress(FileNotFoundError, DamagedFile):
        listed = listed_files(folder)
    for path in folder.glob("rows-*.safetensors"):
        try:
            if path.name not in names:
                raise DamagedFile(f"{path}: no shard of these rows.")
            if path.name in listed:
                check_file(path, listed[path.name])
        except DamagedFile:
            _remove(path)
    _remove(folder / COMPLETE)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    locks = folder.parent.parent / ".locks"  # outside of what is hashed when it is complete
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / f"{folder.parent.name}-{folder.name}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
