"""Rows, tables and splits: what every reader makes and everything after it reads.

A row is a dictionary from column to value, with two reserved keys: ``id`` (text, the same
example everywhere) and ``_place`` (where it stands, such as ``reviews.csv:17``; rows of Parquet
and of a hub have no lines and count from 0: ``train.parquet[17]``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

SPLITS = ("train", "validation", "test")
PLACE = "_place"

Row = dict[str, Any]
Splits = dict[str, list[Row]]

_ALIASES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "development": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class Table:
    """What one file, or one split of a hub data set, holds: values as stored.

    `names` gives the class names of a column where the file itself carries them, `notes` what a
    person should know, `headless` whether the first line looks like data instead of column names.
    """

    columns: tuple[str, ...]
    rows: list[Row]
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    headless: bool = False


def split_named(name: str) -> str | None:
    """The split that a file or a hub split of this name serves as, or None.

    >>> split_named("dev"), split_named("train_subset")
    ('validation', None)
    """
    return _ALIASES.get(name.lower())


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first few names and how many more there are.

    >>> listed(["a:1", "a:2", "a:5", "a:9", "a:11"])
    'a:1, a:2, a:5 and 2 more'
    """
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def plural(number: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "row"), plural(12345, "row")
    ('1 row', '12,345 rows')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
