"""The engines by the names that people give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from tunewise.studies.engines.base import Engine
from tunewise.studies.engines.pool import Pool
from tunewise.studies.engines.ray_cluster import RayCluster

EngineName = Literal["local", "ray"]
ENGINES: dict[EngineName, Callable[[], Engine]] = {"local": Pool, "ray": RayCluster}
