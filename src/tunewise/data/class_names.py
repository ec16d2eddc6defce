"""Class names that a column brings with it, as the ``ClassLabel`` of `datasets` does.

Such a column holds positions in a list of names, and every file has its own list. Files made one
after the other may list the same names in another order: a number then means another class in
each of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeGuard

from tunewise.core.errors import InputError, Problem
from tunewise.core.format import plural
from tunewise.data.table import PLACE, Table

Names = tuple[str, ...]


def agreed(tables: dict[str, Table]) -> dict[str, Table]:
    """The tables with one list of names for each column, and its numbers turned to that list.

    The list of the first table stands first, so that its numbers stay. Where all lists are the
    same, the tables stay as they are.

    Raises:
        InputError: lists differ, and a number has no place in its own or its file has no list.
    """
    problems: list[Problem] = []
    for column in dict.fromkeys(name for table in tables.values() for name in table.names):
        lists = {split: table.names.get(column) for split, table in tables.items()}
        known = [names for names in lists.values() if names is not None]
        if len(set(known)) == 1:
            continue
        together = tuple(dict.fromkeys(name for names in known for name in names))
        first_names = {split: ", ".join(own[:5]) for split, own in lists.items() if own is not None}
        shown = "; ".join(f"{split}: {names}" for split, names in first_names.items())
        note = (
            f"'{column}': the splits list its {plural(len(together), 'class name')} differently "
            f"({shown}); each split is read by its own list."
        )
        for split, own in lists.items():
            table = tables[split]
            problems += _unreadable(table, column, own, note)
            turned = dict(enumerate(map(together.index, own or ())))
            rows = [
                {**row, column: turned[row[column]]}
                if _is_position(row.get(column)) and row[column] in turned
                else row
                for row in table.rows
            ]
            tables = {
                **tables,
                split: replace(table, rows=rows, names={**table.names, column: together}),
            }
        first = next(iter(tables))
        tables[first] = replace(tables[first], notes=(*tables[first].notes, note))
    if problems:
        raise InputError(problems)
    return tables


def _unreadable(table: Table, column: str, own: Names | None, note: str) -> list[Problem]:
    numbered = [row for row in table.rows if _is_position(row.get(column))]
    if own is None and numbered:
        return [Problem(numbered[0][PLACE], f"{note} Here are numbers without a list of names.")]
    return [
        Problem(row[PLACE], f"'{column}' is {row[column]}, and there are {len(own)} class names.")
        for row in numbered
        if own is not None and not 0 <= row[column] < len(own)
    ]


def _is_position(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
