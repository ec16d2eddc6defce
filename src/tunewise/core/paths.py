"""Names of files and folders as people write them."""

from __future__ import annotations

import os
from collections.abc import Iterable
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


def tails(paths: Iterable[str]) -> dict[str, str]:
    """Each path by the fewest of its last parts that no other path ends in.

    >>> tails(["/home/a/bert", "/home/b/bert", "/data/gpt2/"])
    {'/home/a/bert': 'a/bert', '/home/b/bert': 'b/bert', '/data/gpt2/': 'gpt2'}
    """
    parts = {path: [part for part in path.split("/") if part] for path in dict.fromkeys(paths)}
    found = {}
    for path, own in parts.items():
        others = [other for another, other in parts.items() if another != path]
        counts = range(1, len(own) + 1)
        alone = (n for n in counts if all(other[-n:] != own[-n:] for other in others))
        found[path] = "/".join(own[-next(alone, len(own)) :])
    return found
