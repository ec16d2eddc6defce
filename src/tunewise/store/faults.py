"""What in a study is not what was written, and what the next run does about it.

Whoever reads a study finds its faults and names them; only the holder of its lock repairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tunewise.core.errors import DamagedFile
from tunewise.core.files import check_complete, is_complete

AGAIN = "its job runs again"
ANEW = "it is written anew"
AS_IT_WAS = "the rest stays as it is"
COMPUTED = "these features are computed again"
TRAINED = "its trial is trained again"


@dataclass(frozen=True)
class Fault:
    """A file or folder that is not what was written: the message names what is wrong with what.

    `folder` is what the next run moves aside; `repair` says what it does then.
    """

    id: str
    folder: Path
    message: str
    repair: str = AGAIN

    @property
    def says(self) -> str:
        """The fault for whoever only reads."""
        return f"{self.message} `tunewise run` on the study moves it aside, and {self.repair}."


def fault_of(folder: Path, error: DamagedFile, repair: str = AGAIN) -> Fault:
    """The fault of a complete folder; where only a file was put there, it alone is moved aside."""
    if error.added is not None:
        return Fault(folder.name, error.added, str(error), AS_IT_WAS)
    return Fault(folder.name, folder, str(error), repair)


def faults_within(
    folder: Path, repair: str, *, content: bool = True, moved: Path | None = None
) -> Iterator[Fault]:
    """The faults of a complete folder, for which `moved` is moved aside, itself if not given."""
    try:
        check_complete(folder, content=content)
    except FileNotFoundError:
        return  # it was never complete, or is being removed this instant
    except DamagedFile as error:
        if is_complete(folder):
            yield fault_of(folder if moved is None else moved, error, repair)


def feature_faults(parent: Path, *, content: bool) -> Iterator[Fault]:
    """Faults of stored features. Those of a split may be added to a complete folder later."""
    for folder in sorted(parent.iterdir()) if parent.is_dir() else ():
        if not is_complete(folder):
            continue
        splits = sorted(path for path in folder.iterdir() if path.is_dir() and is_complete(path))
        for each in (folder, *splits):
            if found := list(faults_within(each, COMPUTED, content=content, moved=folder)):
                yield from found
                break


def bytes_within(folder: Path) -> int:
    """The size of all files in a folder, from which others may be removing some."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def stamps(study: Path) -> list[tuple[str, int, int]]:
    """What changes whenever a stored file of a study does: each with size and time, unread."""
    found = []
    for folder in ("", "data", "trials", "tests", "weights", "features", "report"):
        for path in (study / folder).glob("**/*" if folder else "*"):
            with suppress(OSError):  # removed this instant
                status = path.stat()
                found.append((str(path), status.st_size, status.st_mtime_ns))
    return sorted(found)
