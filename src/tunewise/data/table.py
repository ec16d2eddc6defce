"""Rows, tables and splits: what every reader makes and everything after it reads.

A row is a dictionary from column to value, with two reserved keys: ``id`` (text, the same
example everywhere) and ``_place`` (where it stands, such as ``reviews.csv:17``; rows of Parquet
and of a hub have no lines and count from 0: ``train.parquet[17]``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tunewise.core.errors import InputError, Problem

SPLITS = ("train", "validation", "test")
PLACE = "_place"

Row = dict[str, Any]
Splits = dict[str, list[Row]]

Name = TypeVar("Name", bound=Hashable)

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


def cell_text(value: Any) -> str | None:
    """A value of a table as text; None, where there is none, stays None."""
    return value if value is None or isinstance(value, str) else str(value)


def twice_in(names: Sequence[Name]) -> list[Name]:
    """The names that occur more than once, by their first appearance.

    >>> twice_in(["b", "a", "a", "b", "c"])
    ['b', 'a']
    """
    return [name for name, count in Counter(names).items() if count > 1]


def unusable_names(columns: Sequence[str], place: str) -> list[Problem]:
    """What is wrong with the names of columns: one is there twice, or is the reserved one."""
    problems = [
        Problem(place, f"two columns are called '{name}'.") for name in twice_in(columns) if name
    ]
    if PLACE in columns:
        problems.append(Problem(place, f"the column name '{PLACE}' is reserved; rename it."))
    return problems


def refuse_repeated_header(tables: Iterable[Table]) -> None:
    """Refuse rows that are the names of the columns: files were put together with their headers.

    In another order or in other case they are no row either, and what follows them is misread.

    Raises:
        InputError: all such rows.
    """
    problems = []
    for table in tables:
        names = Counter(map(_as_name, table.columns))
        for row in table.rows if len(names) > 1 else ():
            # the first value is enough for nearly all rows
            if _as_name(row.get(table.columns[0])) not in names:
                continue
            if Counter(_as_name(value) for key, value in row.items() if key != PLACE) == names:
                problems.append(Problem(row[PLACE], _REPEATED))
    if problems:
        raise InputError(problems)


_REPEATED = (
    "repeats the names of the columns: files were put together with their headers. Take the line "
    "out; the rows below it must have their columns in the order of the first line."
)


def _as_name(value: Any) -> str:
    return value.strip("\ufeff \t").casefold() if isinstance(value, str) else ""
