"""Writing files so that nobody ever reads half of one.

A file is filled under another name in the same folder, flushed to the disk, and renamed. A
folder counts once its marker ``COMPLETE.json``, which is written last, names every other file
with its size and SHA-256. Renames never cross a file system. Whatever is read back is compared with
what was written: damage is a `DamagedFile` that names the file.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from tunewise.core.canonical import JSONObject
from tunewise.core.errors import DamagedFile
from tunewise.core.format import size

COMPLETE = "COMPLETE.json"
DRAFT = ".tmp."  # in the name of a file that is being written, before the number of its process
AT_ONCE = 16  # files that wait for the disk
HASH = "sha256"  # the key under which JSON carries its own hash, and what stands for it meanwhile
UNKNOWN = "0" * 64
SETTLED = 1_000_000_000  # nanoseconds
LITTER = ("Thumbs.db", "desktop.ini")
FAIL_AT = "TUNEWISE_FAIL_AT"  # tests set it to k: the process dies at the k-th step of writing

_steps = itertools.count(1)


def failpoint() -> None:
    """Die here if a test asked for it: the way a power cut would, with no clean-up."""
    wanted = os.environ.get(FAIL_AT)
    if wanted is not None and next(_steps) == int(wanted):
        os._exit(137)


@contextmanager
def writing(path: Path, length: int | None = None) -> Iterator[None]:
    """Lets an error of the system name the file or folder that was to be written, and its bytes.

    The system names a draft, or nothing where it could not take the content.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or DRAFT in str(error.filename):
            error.filename = str(path)
        if length is not None:
            error.add_note(f"{size(length)} were to be written")
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Replace the file at once: a reader sees the old content or the new, never a part."""
    with writing(path, len(content)):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}{DRAFT}{os.getpid()}")
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
    drafts = {name: folder / f"{name}{DRAFT}{os.getpid()}" for name in contents}
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


def remove_drafts(folder: Path) -> None:
    """Remove the half-written files that processes which are gone left in a folder."""
    for draft in folder.glob(f"*{DRAFT}*"):
        _, _, number = draft.name.rpartition(DRAFT)
        if number.isdecimal() and not _is_alive(int(number)):
            _discard(draft)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it is somebody else's, or no number of a process
        return True
    return True


def _fill(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON for people too: indented, keys in the given order, no NaN."""
    write_text(path, _as_json(value))


def read_json(path: Path) -> Any:
    """Read JSON; a file that is not JSON, or cannot be read, is a `DamagedFile` that names it.

    Python's reader accepts NaN and Infinity; ours does not, because we never write them.

    Raises:
        FileNotFoundError: there is no such file.
    """
    return _parsed(path, _text_of(path))


def write_hashed(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON that carries, under a last key `HASH`, the hash of its own text."""
    text = _as_json({**value, HASH: UNKNOWN})
    head, _, tail = text.rpartition(UNKNOWN)
    write_text(path, f"{head}{hashlib.sha256(text.encode()).hexdigest()}{tail}")


def read_hashed(path: Path) -> JSONObject:
    """What `write_hashed` wrote, with its hash, or what an earlier version wrote without one.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedFile: it is not an object of JSON, or a byte of it has changed.
    """
    text = _text_of(path)
    value = _parsed(path, text)
    if not isinstance(value, dict):
        raise DamagedFile(f"{path}: not what was written: no object of JSON.")
    if HASH in value:
        recorded = str(value[HASH])
        head, _, tail = text.rpartition(f'"{recorded}"')
        blank = f'{head}"{UNKNOWN}"{tail}'
        if hashlib.sha256(blank.encode()).hexdigest() != recorded:
            raise DamagedFile(f"{path}: the content has changed since it was written.")
    return value


def _as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        if path.is_symlink():
            raise DamagedFile(f"{path}: is a link to nowhere.") from None
        raise
    except OSError as error:  # a folder in its place, a bad disk, no permission
        raise DamagedFile(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise DamagedFile(f"{path}: not readable as JSON ({error}).") from error


def _parsed(path: Path, text: str) -> Any:
    def refuse(name: str) -> Any:
        raise ValueError(f"the number {name} is not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
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
        str(path.relative_to(folder)): described(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != COMPLETE and DRAFT not in path.name
    }
    write_hashed(folder / COMPLETE, {"files": files})


def described(path: Path) -> JSONObject:
    """A file as markers name it: by its size and SHA-256."""
    return {"bytes": path.stat().st_size, "sha256": sha256_of(path)}


def is_complete(folder: Path) -> bool:
    """Whether the marker stands, whatever became of it. `check_complete` also reads the content."""
    return os.path.lexists(folder / COMPLETE)


def check_complete(folder: Path, *, content: bool = True) -> None:
    """Compare every file with the marker; `content` False leaves it at their names and sizes.

    Raises:
        FileNotFoundError: there is no marker.
        DamagedFile: the marker is not what was written, or a file is missing, cut short, altered,
            or was put there since.
    """
    listed = listed_files(folder)
    for name, file in listed.items():
        check_file(folder / name, file, content=content)
    # Left aside are drafts, what file managers leave behind, and folders inside that have a marker
    # of their own and nothing in the list.
    for here, folders, names in os.walk(folder):
        inside = Path(here).relative_to(folder)
        folders[:] = sorted(
            name
            for name in folders
            if not is_complete(Path(here, name))
            or any(Path(one).is_relative_to(inside / name) for one in listed)
        )
        for name in sorted(names):
            unheard = str(inside / name) not in listed and name != COMPLETE
            if unheard and DRAFT not in name and name[0] != "." and name not in LITTER:
                added = Path(here, name)
                message = f"{added}: was put there after the folder was complete."
                raise DamagedFile(message, added=added)


def listed_files(folder: Path) -> dict[str, JSONObject]:
    """What the marker of a folder lists: the files by name, each as `described`."""
    marker = folder / COMPLETE
    content = read_hashed(marker)
    if not {"files"} <= set(content) <= {"files", HASH}:
        raise DamagedFile(f"{marker}: not a list of files.")
    files: dict[str, JSONObject] = content["files"]
    check_listed(marker, files)
    return files


def check_listed(path: Path, files: Any) -> None:
    """Raise `DamagedFile` unless `files`, which `path` holds, is a list as markers have it."""
    sound = isinstance(files, dict) and all(
        isinstance(file, dict) and set(file) == {"bytes", "sha256"} for file in files.values()
    )
    if not sound:
        raise DamagedFile(f"{path}: not a list of files.")


def check_file(path: Path, file: Mapping[str, Any], *, content: bool = True) -> None:
    """Compare a file with how it was `described`.

    Raises:
        DamagedFile: it is missing, no file, cut short, altered, or cannot be read.
    """
    size, sha256 = file["bytes"], file["sha256"]
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise DamagedFile(f"{path}: is no file any more.")
        if found.st_size != size:
            raise DamagedFile(f"{path}: {found.st_size} bytes where {size} were written.")
        if content and _known_sha256(path, found) != sha256:
            raise DamagedFile(f"{path}: the content has changed since it was written.")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DamagedFile(f"{path}: missing, although it was complete.") from error
    except OSError as error:
        raise DamagedFile(f"{path}: cannot be read ({error.strerror}).") from error


def _known_sha256(path: Path, found: os.stat_result) -> str:
    """The SHA-256, read once a process while the system says that nothing has changed.

    A clock has ticks: what was changed within the last second could change again unseen.
    """
    changed = max(found.st_mtime_ns, found.st_ctime_ns)
    if time.time_ns() - changed < SETTLED:
        return sha256_of(path)
    return _hashed(path, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, changed))


@lru_cache(maxsize=16_384)
def _hashed(path: Path, state: tuple[int, ...]) -> str:
    return sha256_of(path)


def remove_folder(folder: Path) -> None:
    """Remove a folder so that an interrupted removal leaves nothing that looks complete."""
    with suppress(IsADirectoryError):
        (folder / COMPLETE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
