"""Tables for Python: data frames where pandas is installed."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Mapping
from typing import Any


def frame(rows: Iterable[Mapping[str, Any]]) -> Any:
    """A data frame of pandas where that is installed, else a list of dictionaries."""
    found = [dict(row) for row in rows]
    if importlib.util.find_spec("pandas") is None:
        return found
    table = importlib.import_module("pandas").DataFrame(found)
    unknown = [name for name in table if table[name].isna().all()]
    table[unknown] = float("nan")  # not objects: a column of numbers that nobody knows is one too
    return table
