"""What is damaged is moved aside, into ``quarantine/``; some of it still has something to say."""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from pathlib import Path

from tunewise.core.errors import DamagedFile
from tunewise.core.files import (
    check_file,
    failpoint,
    flush_folder,
    listed_files,
    read_json,
    write_text,
)
from tunewise.store.faults import Fault
from tunewise.store.trials import RESULT

FOLDER = "quarantine"
OPENED = "opened.json"  # of a test: when the split was opened for it


def move(study: Path, fault: Fault) -> Path:
    """Move a damaged file or folder aside, with a text beside it that says what is wrong."""
    parent, lay = study / FOLDER, fault.folder.parent
    parent.mkdir(exist_ok=True)
    name = fault.id if lay in {study, study / "trials"} else f"{lay.name}-{fault.id}"
    for number in itertools.count(1):
        target = parent / f"{name}-{number}"
        if not os.path.lexists(target):
            break
    failpoint()
    fault.folder.rename(target)
    flush_folder(parent)
    write_text(target.with_name(f"{target.name}.txt"), fault.message + "\n")
    return target


def openings(study: Path, test: Path) -> list[str]:
    """When the split was opened for a test, moved aside or not: none is forgotten."""
    found: set[str] = set()
    for path in (*(study / FOLDER).glob(f"*{test.name}-*/{OPENED}"), test / OPENED):
        if not os.path.lexists(path):
            continue
        try:
            found.update(map(str, read_json(path)))
        except (DamagedFile, FileNotFoundError, TypeError):
            found.add(f"not known: {path.relative_to(study)} is damaged")
    return sorted(found)


def results(study: Path, id: str) -> list[Path]:
    """The results of a trial that were sound and went aside with what was not."""
    found = []
    for path in sorted((study / FOLDER).glob(f"{id}-*/{RESULT}")):
        with suppress(DamagedFile, FileNotFoundError, KeyError):
            check_file(path, listed_files(path.parent)[RESULT])
            found.append(path)
    return found
