"""Optional packages: imported when they are needed, and asked for in words when they lack."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from tunewise.core.errors import MissingExtra


def needed(module: str, *, extra: str) -> Any:
    """A module of an optional package.

    Raises:
        MissingExtra: it is not installed; the text says how to install it.
    """
    require(module.partition(".")[0], extra=extra)
    return importlib.import_module(module)


def require(package: str, *, extra: str) -> None:
    """Raise `MissingExtra` where a package is not installed, without importing it."""
    if importlib.util.find_spec(package) is None:
        raise MissingExtra(package, extra=extra)
