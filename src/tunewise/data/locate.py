"""What a `source` is: an embedded world, something on this machine, or a hub id.

What looks like a path is never sent to a hub: neither a name with an ending of a data file, nor
one that begins like a path, nor one whose first folder exists, nor one that is nearly the name of
something that lies beside the study file.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from tunewise.core.errors import InputError, Problem
from tunewise.core.format import first_of
from tunewise.core.paths import path_from
from tunewise.data.readers.files import ENDINGS

Kind = Literal["embedded", "file", "folder", "hub"]

EMBEDDED_PREFIX = "embedded:"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)


def kind_of(source: str, base: Path) -> Kind:
    """What the source is; a path is taken from `base`, the folder of the study file.

    Raises:
        InputError: it looks like a path and does not exist; the nearest name is offered.
    """
    if source.startswith(EMBEDDED_PREFIX):
        return "embedded"
    if "://" in source:
        hub_id = "/".join(source.rstrip("/").split("/")[-2:])
        message = f"'{source}' is a web address; a hub id is only '{hub_id}'."
        raise InputError([Problem("data.source", message)])
    path = resolved(source, base)
    if path.is_dir():
        return "folder"
    if path.exists():
        return "file"
    if _looks_like_path(source, base):
        raise InputError([missing("data.source", source, base)])
    return "hub"


def resolved(name: str, base: Path) -> Path:
    """The path that a name in the study file means.

    Raises:
        InputError: what it names cannot be reached.
    """
    path = path_from(base, name)
    if barred := out_of_reach(path):
        shown = name if len(name) <= 80 else f"{name[:80]}..."
        raise InputError([Problem("data", f"'{shown}' cannot be read ({barred}).")])
    return path


def out_of_reach(path: Path) -> str | None:
    """Why one cannot look whether a path is there, such as a name that is too long, or None."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return error.strerror
    except ValueError as error:  # a NUL
        return str(error)
    return None


def missing(place: str, name: str, base: Path) -> Problem:
    """The problem of a path that does not exist, with what lies nearest."""
    lost = resolved(name, base)
    while not lost.parent.exists():
        lost = lost.parent
    parent = lost.parent
    there = sorted(path.name for path in parent.iterdir()) if parent.is_dir() else []
    close = get_close_matches(lost.name, there, n=1, cutoff=0.6)
    hint = f"Did you mean '{close[0]}'?" if close else f"There: {first_of(there, 8) or 'nothing'}."
    return Problem(
        place, f"'{name}' does not exist: no '{lost.name}' in {parent.resolve()}. {hint}"
    )


def _looks_like_path(source: str, base: Path) -> bool:
    if source.lower().endswith(ENDINGS) or not _HUB_ID.fullmatch(source):
        return True
    first = Path(source).parts[0]
    if "/" in source and (base / first).exists():
        return True
    beside = [path.name for path in base.iterdir()] if base.is_dir() else []
    return "/" not in source and bool(get_close_matches(source, beside, n=1, cutoff=0.8))
