"""Recognizing what comes from outside of the program, whichever library meets it first.

A full disk, a missing file, a limit of the system: they say nothing about a trial or a study, and
may be gone at the next try.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tunewise.core.errors import DamagedFile
from tunewise.core.format import size

# What the system says, and what a person can do about it.
CAUSES = {
    errno.ENOSPC: ("the disk is full", "Make room"),
    errno.EDQUOT: ("the disk quota is used up", "Make room"),
    errno.EFBIG: ("a file may not be that large here (ulimit -f)", "Raise the limit"),
    errno.EROFS: ("the disk is read-only", "Make it writable or choose another place"),
    errno.EIO: ("the disk could not be read or written", "Have the disk looked at"),
    errno.EMFILE: ("too many files are open in this process (ulimit -n)", "Raise the limit"),
    errno.ENFILE: ("too many files are open on this machine", "Close some"),
    errno.EAGAIN: ("no further process may start (ulimit -u)", "Raise the limit"),
    errno.ENOENT: ("is not there, or was removed meanwhile", "Put it back"),
    errno.EACCES: ("no permission", "Give yourself access or choose another place"),
    errno.EPERM: ("no permission", "Give yourself access or choose another place"),
    errno.ENAMETOOLONG: ("a name this long is not possible there", "Choose a shorter one"),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", "Choose another place"),
    errno.EISDIR: ("is a folder, not a file", "Choose another place"),
    errno.ESTALE: ("the file server lost it", "Look at the mount"),
}
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}  # nothing more can be written
# Libraries that raise errors of their own quote the system's words for these.
QUOTED = FULL | {errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOENT}
# A person named a place that cannot be used, which is a mistake and no trouble of the machine.
WRONG_PLACE = {errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENAMETOOLONG}
NOT_OUTSIDE = {errno.ENOMEM}  # a lack of memory is a trial's own ending


def is_full(error: BaseException) -> bool:
    """Whether an error means that the disk took no more, also where it caused another one.

    >>> is_full(OSError(errno.ENOSPC, "No space left on device"))
    True
    >>> is_full(OSError(errno.ENOENT, "No such file or directory"))
    False
    """
    return any(_number(each) in FULL for each in _chain(error))


def is_outside(error: BaseException) -> bool:
    """Whether an error, or the one that it was raised from, came from outside of the program.

    >>> is_outside(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    True
    >>> is_outside(ValueError("rank = 0"))
    False
    """
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, OSError):
            return at.errno not in NOT_OUTSIDE
        if isinstance(at, DamagedFile) or _number(at) is not None:
            return True
        at = at.__cause__
    return is_full(error)


def message_of(error: BaseException) -> str:
    """One sentence or two for a person: which path, what is the matter, and what would help."""
    chain = list(_chain(error))
    first = next((each for each in chain if _number(each) in CAUSES), error)
    number = _number(first)
    if number is None:
        return f"{str(first).rstrip('.')}. Run the same command again."
    cause, remedy = CAUSES.get(number, (os.strerror(number), "See to it"))
    path = next((p for each in chain if (p := getattr(each, "filename", None)) is not None), None)
    where = f"{os.fsdecode(path)}: " if isinstance(path, (str, bytes)) else ""
    if not where and isinstance(first, OSError) and first.strerror != os.strerror(number):
        where = f"{first.strerror or first}: "  # such as which folders there are none of
    notes = [note for each in chain for note in getattr(each, "__notes__", ())]
    if number in {errno.ENOSPC, errno.EDQUOT} and where and path is not None:
        notes.append(f"{_free(Path(os.fsdecode(path)))} are free there")
    noted = f" ({', '.join(dict.fromkeys(notes))})" if notes else ""
    return f"{where}{cause}{noted}. {remedy} and run the same command again."


def _chain(error: BaseException) -> Iterator[BaseException]:
    at: BaseException | None = error
    while at is not None:
        yield at
        at = at.__cause__ or at.__context__


def _number(error: BaseException) -> int | None:
    """The system's number of an error, from its words where it has none."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    text = str(error)
    return next((number for number in sorted(QUOTED) if os.strerror(number) in text), None)


def _free(path: Path) -> str:
    for place in (path, *path.parents, Path()):
        try:
            return size(shutil.disk_usage(place).free)
        except OSError:
            continue
    return "unknown bytes"
