"""Which files of a report are ours, so that those an earlier report left can go."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from tunewise.core.errors import DamagedFile
from tunewise.core.files import read_json, remove_drafts, write_text

LIST = "written.json"
FOLDERS = ("plots", "predictions", "tables")  # nothing else is ever removed


def remove_stale(out: Path, written: Iterable[Path]) -> None:
    """Remove what the last report wrote into these folders and this one did not; note the new.

    A file that no list names is somebody else's and stays. The list itself lies in a folder that
    anybody may write to: it can name nothing outside of these folders.
    """
    names = sorted(path.relative_to(out).as_posix() for path in written)
    for name in _listed(out):
        path = out / name
        if name not in names and _ours(name) and not path.parent.is_symlink():
            path.unlink(missing_ok=True)
    for folder in (*FOLDERS, "."):
        remove_drafts(out / folder)
    write_text(out / LIST, json.dumps({"files": names}, indent=2) + "\n")


def _listed(out: Path) -> list[str]:
    """The files of the last report; nothing where its list is missing or damaged."""
    try:
        content = read_json(out / LIST) if (out / LIST).is_file() else {}
    except DamagedFile:
        return []
    files = content.get("files") if isinstance(content, dict) else None
    return [name for name in files if isinstance(name, str)] if isinstance(files, list) else []


def _ours(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return len(parts) == 2 and parts[0] in FOLDERS and parts[1] not in {"..", "."}
