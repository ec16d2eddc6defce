"""Names of files and folders as people write them."""

from __future__ import annotations

import os
from pathlib import Path

LONGEST = 255  # bytes of one name, on every file system that is in use


def path_from(base: Path, name: str) -> Path:
    """The path that a name means from a folder; ``~`` is a home, if there is such a user.

    >>> path_from(Path("data"), "./a.csv"), path_from(Path("data"), "/b.csv")
    (PosixPath('data/a.csv'), PosixPath('/b.csv'))
    """
    return base / os.path.expanduser(name)  # noqa: PTH111  # Path's own fails for an unknown user


def no_path(name: str) -> str:
    """Why no file or folder can have this name, or nothing.

    >>> no_path("data/a.csv"), no_path("a" * 300)
    ('', 'a name of 300 bytes, where 255 is the limit')
    """
    longest = max(len(os.fsencode(part)) for part in name.split("/"))
    return f"a name of {longest:,} bytes, where {LONGEST} is the limit" if longest > LONGEST else ""
