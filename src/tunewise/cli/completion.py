"""What a shell offers after Tab: study files, folders of studies, contenders, topics."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from tunewise.cli.next_step import RUNS, YAML, studies_below
from tunewise.core.errors import TunewiseError
from tunewise.store.study import StudyFolder, is_study

_SPECIAL = re.compile(r"[^\w=:,.@%+/-]")  # what a shell would split or expand


def study_files(incomplete: str) -> list[str]:
    """Study files, and folders on the way to one."""
    return [
        f"{path}/" if path.is_dir() else str(path)
        for path in _entries(incomplete)
        if path.is_dir() or path.suffix in YAML
    ]


def study_folders(incomplete: str) -> list[str]:
    """Folders of studies: those under ``runs`` first, and folders on the way to one."""
    known = [name for name in studies_below(RUNS) if name.startswith(incomplete)]
    folders = [path for path in _entries(incomplete) if path.is_dir()]
    ways = [str(path) if is_study(path) else f"{path}/" for path in folders]
    return list(dict.fromkeys([*known, *ways]))


def studies(incomplete: str) -> list[str]:
    """Both, for commands that take either."""
    return list(dict.fromkeys([*study_folders(incomplete), *study_files(incomplete)]))


def contenders(ctx: Any, incomplete: str) -> list[str]:
    """The contenders of the study that stands before on the line.

    Bash puts what it is offered there as it is, so blanks in names come with a backslash.
    """
    given = (ctx.params.get("folder"), *ctx.args)  # behind an option the folder is not parsed yet
    folder = next((Path(one) for one in given if one and is_study(Path(one))), None)
    if folder is None:
        return []
    try:
        names = [row.name for row in StudyFolder(folder).study().contenders]
    except TunewiseError:
        return []
    if os.environ.get("_TUNEWISE_COMPLETE") == "complete_bash":
        names = [_SPECIAL.sub(r"\\\g<0>", name) for name in names]
    return [name for name in names if name.startswith(incomplete)]


def _entries(incomplete: str) -> list[Path]:
    """What lies in the folder that is being typed, and begins as the rest of the word does."""
    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    start = "" if incomplete.endswith("/") else typed.name
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in found if path.name.startswith(start if incomplete else ""))
