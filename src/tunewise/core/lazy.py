"""A module that is imported when something of it is first used."""

from __future__ import annotations

import importlib
from typing import Any


class Later:
    """Stands for a module that takes long to load and that few commands need.

    Bound to the module's own name, beside an import that type checkers alone read.

    >>> colours = Later("colorsys")
    >>> colours.rgb_to_hsv(0.0, 0.0, 1.0)[2]
    1.0
    """

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._module), name)
