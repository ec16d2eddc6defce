"""A small study of invented reviews, in which one setting at a time is left open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cli.conftest import write_reviews


def reviews_study(data: Path, model: Path, rows: Mapping[str, int], **own: Any) -> dict[str, Any]:
    """A study over so many rows of each split, written to the folder `data`."""
    for number, (split, count) in enumerate(rows.items()):
        write_reviews(data / f"{split}.csv", count, number)
    return {
        "name": "auto",
        "task": {"kind": "classification", "text": "text", "label": "label"},
        "data": {"source": str(data)},
        "models": [str(model)],
        "accept_leakage": "few words",
        **own,
    }
