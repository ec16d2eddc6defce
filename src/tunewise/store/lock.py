"""One launcher a study: a lock that the system takes back when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from tunewise.core.errors import InputError, Problem, StudyBusy
from tunewise.core.files import writing
from tunewise.core.outside import WRONG_PLACE

PATIENCE = 0.5  # seconds; `status` holds the lock for an instant, which must stop nobody


@contextmanager
def exclusive(
    path: Path, subject: str, *, option: str = "--out", patience_seconds: float = PATIENCE
) -> Iterator[None]:
    """Hold the lock file `path` and leave in it who does: process, host, since when.

    `subject` is what is locked, which `option` names.

    The file stays when the lock is given back: removing it could take it from under the feet
    of the next holder.

    Raises:
        StudyBusy: somebody holds it; the text says who.
        InputError: the folder may not be written.
        OSError: the disk takes no more.
    """
    try:
        with writing(path):
            opened = path.open("a+", encoding="utf-8")
    except OSError as error:
        if error.errno not in WRONG_PLACE:
            raise
        message = f"cannot be written ({error.strerror}). Choose another with {option}."
        raise InputError([Problem(subject, message)]) from error
    with opened as file:
        deadline = time.monotonic() + patience_seconds
        while not _taken(file.fileno()):
            if time.monotonic() > deadline:
                raise StudyBusy(f"{subject} is already being run by {_described(path)}.")
            time.sleep(0.05)
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with writing(path):
            file.truncate(0)
            os.write(file.fileno(), json.dumps(holder).encode())
        try:
            yield
        finally:
            with suppress(OSError):  # what ended the block counts, and the system frees the lock
                file.truncate(0)


def holder(path: Path) -> str | None:
    """Who holds the lock now, in words; None where nobody does."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _described(path)
    return None


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _described(path: Path) -> str:
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
        return f"process {owner['pid']} on {owner['host']} since {owner['since']}"
    except (ValueError, KeyError, TypeError):  # taken this instant, and not yet written
        return "another process"
