"""Which files of a report are ours, so that those an earlier report left can go."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
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
    files = None  # of the last report; its list may be missing or damaged
    with suppress(FileNotFoundError, DamagedFile):
        content = read_json(out / LIST)
        files = content.get("files") if isinstance(content, dict) else None
    for name in (one for one in files if isinstance(one, str)) if isinstance(files, list) else ():
        path = out / name
        parts = PurePosixPath(name).parts
        ours = len(parts) == 2 and parts[0] in FOLDERS and parts[1] not in {"..", "."}
        if name not in names and ours and not path.parent.is_symlink():
            path.unlink(missing_ok=True)
    for folder in (*FOLDERS, "."):
        remove_drafts(out / folder)
    write_text(out / LIST, json.dumps({"files": names}, indent=2) + "\n")
