"""The engines by the names that people give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from tunewise.core.errors import InputError, unknown
from tunewise.studies.engines.base import Engine
from tunewise.studies.engines.pool import Pool
from tunewise.studies.engines.ray_cluster import RayCluster

EngineName = Literal["local", "ray"]
ENGINES: dict[EngineName, Callable[[], Engine]] = {"local": Pool, "ray": RayCluster}


def started(name: EngineName) -> Engine:
    """A new engine, which comes up by itself.

    Raises:
        InputError: there is none of this name, or its cluster does not answer.
        MissingExtra: its package is not installed.
    """
    if name not in ENGINES:
        raise InputError(unknown("engine", name, ENGINES))
    return ENGINES[name]()
