"""Where what can be computed again is kept for every study of a user."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = "TUNEWISE_CACHE"


def cache_folder() -> Path:
    """The folder named by ``TUNEWISE_CACHE``, or ``tunewise`` where the system keeps caches.

    It may not exist, and it may not be writable: whoever uses it does without then.
    """
    if named := os.environ.get(FOLDER):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "tunewise"
