"""Writing files so that nobody ever reads half of one.

A file is filled under another name in the same folder, flushed to the disk, and renamed. A
folder counts once its marker ``COMPLETE.json``, which is written last, names every other file
with its size and SHA-256. Renames never cross a file system.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tunewise.core.errors import DamagedFile
from tunewise.core.units import shown_bytes

COMPLETE = "COMPLETE.json"
AT_ONCE = 16  # files that wait for the disk
FAIL_AT = "TUNEWISE_FAIL_AT"  # tests set it to k: the process dies at the k-th step of writing

_steps = itertools.count(1)


def failpoint() -> None:
    """Die here if a test asked for it: the way a power cut would, with no clean-up."""
    wanted = os.environ.get(FAIL_AT)
    if wanted is not None and next(_steps) == int(wanted):
        os._exit(137)


@contextmanager
def writing(path: Path, size: int | None = None) -> Iterator[None]:
    """Lets an error of the system name the file or folder that was to be written, and its bytes.

    The system names a draft, or nothing where it could not take the content.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or ".tmp." in str(error.filename):
            error.filename = str(path)
        if size is not None:
            error.add_note(f"{shown_bytes(size)} were to be written")
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Replace the file at once: a reader sees the old content or the new, never a part."""
    with writing(path, len(content)):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.tmp.{os.getpid()}")
        failpoint()
        try:
            _fill(draft, content)
            failpoint()
            draft.replace(path)
        except BaseException:
            _discard(draft)
            raise
        failpoint()
        flush_folder(path.parent)


def write_together(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Replace many files of one folder, each at once as `write_bytes` does.

    Many wait for the disk at once: asked for each file by itself it takes seconds for a thousand.
    """
    drafts = {name: folder / f"{name}.tmp.{os.getpid()}" for name in contents}
    with writing(folder, sum(map(len, contents.values()))):
        folder.mkdir(parents=True, exist_ok=True)
        failpoint()
        try:
            with ThreadPoolExecutor(AT_ONCE) as threads:
                list(threads.map(_fill, drafts.values(), contents.values()))
            failpoint()
            for name, draft in drafts.items():
                draft.replace(folder / name)
        except BaseException:
            for draft in drafts.values():
                _discard(draft)
            raise
        failpoint()
        flush_folder(folder)


def _discard(draft: Path) -> None:
    with suppress(OSError):  # it may be what the disk does not take; the first error counts
        draft.unlink(missing_ok=True)


def _fill(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON for people too: indented, keys in the given order, no NaN."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON; a file that is not JSON is a `DamagedFile` that names it.

    Python's reader accepts NaN and Infinity; ours does not, because we never write them.
    """

    def refuse(name: str) -> Any:
        raise ValueError(f"the number {name} is not JSON")

    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except (ValueError, UnicodeDecodeError) as error:
        raise DamagedFile(f"{path}: not readable as JSON ({error}).") from error


def flush_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows cannot open a folder
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, read in pieces."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            total.update(piece)
    return total.hexdigest()


def mark_complete(folder: Path) -> None:
    """Write the marker that makes a folder count: the size and SHA-256 of every file in it."""
    files = {
        str(path.relative_to(folder)): {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != COMPLETE and ".tmp." not in path.name
    }
    write_json(folder / COMPLETE, {"files": files})


def is_complete(folder: Path) -> bool:
    """Whether the marker stands. Cheap; `check_complete` also reads the content."""
    return (folder / COMPLETE).is_file()


def check_complete(folder: Path) -> None:
    """Compare every file with the marker.

    Raises:
        DamagedFile: the marker is unreadable, or a file is missing, cut short or altered.
    """
    marker = read_json(folder / COMPLETE)
    try:
        listed = {name: (file["bytes"], file["sha256"]) for name, file in marker["files"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedFile(f"{folder / COMPLETE}: not a list of files.") from error
    for name, (size, sha256) in listed.items():
        path = folder / name
        if not path.is_file():
            raise DamagedFile(f"{path}: missing, although the folder was complete.")
        if path.stat().st_size != size:
            raise DamagedFile(f"{path}: {path.stat().st_size} bytes where {size} were written.")
        if sha256_of(path) != sha256:
            raise DamagedFile(f"{path}: the content has changed since it was written.")


def remove_folder(folder: Path) -> None:
    """Remove a folder so that an interrupted removal leaves nothing that looks complete."""
    (folder / COMPLETE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
