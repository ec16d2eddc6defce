"""Records inside of records, as exports of programs have them, opened into columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunewise.core.format import first_of
from tunewise.data.table import Row

DEEPEST = 8  # levels that are opened


def open_records(rows: Sequence[Row]) -> list[str]:
    """Put the fields of nested records into columns of their own, named `outer.inner`, in place.

    Opened is a column that holds a record, or nothing, in every row, with a single value under
    some key; one of lists alone, such as the answers of SQuAD, stays whole.

    Returns:
        The columns that were opened, as they were called.

    >>> rows = [{"id": 1, "mail": {"subject": "Hi", "to": {"name": "Ann"}}}, {"id": 2}]
    >>> open_records(rows), rows
    (['mail', 'mail.to'], [{'id': 1, 'mail.subject': 'Hi', 'mail.to.name': 'Ann'}, {'id': 2}])
    """
    opened: list[str] = []
    for _ in range(DEEPEST):
        found = _records_in(rows)
        if not found:
            break
        opened += found
        rows_opened = [_opened(row, found) for row in rows]
        for row, whole in zip(rows, rows_opened, strict=True):
            row.clear()
            row.update(whole)
    return opened


def note_of(opened: Sequence[str], shown: str) -> tuple[str, ...]:
    """What a person should know of the names that columns got."""
    if not opened:
        return ()
    where = first_of([f"'{name}'" for name in opened])
    return (f"{shown}: fields of records ({where}) are columns such as '{opened[0]}.FIELD'.",)


def _records_in(rows: Sequence[Row]) -> list[str]:
    """The columns that can be opened: records throughout, whose fields meet no other column."""
    with_records = dict.fromkeys(
        column for row in rows for column, value in row.items() if isinstance(value, dict)
    )
    names = {column for row in rows for column in row} if with_records else ()
    found = []
    for column in with_records:
        values = [value for row in rows if (value := row.get(column)) is not None]
        if (
            all(isinstance(value, dict) for value in values)
            and any(_holds_a_value(value) for value in values)
            and not any(f"{column}.{key}" in names for value in values for key in value)
        ):
            found.append(column)
    return found


def _holds_a_value(record: dict[str, Any]) -> bool:
    return any(
        _holds_a_value(value) if isinstance(value, dict) else not isinstance(value, list)
        for value in record.values()
        if value is not None
    )


def _opened(row: Row, columns: Sequence[str]) -> Row:
    """The row with the fields of its records in their places."""
    whole: Row = {}
    for column, value in row.items():
        if column not in columns:
            whole[column] = value
        elif value is not None:
            whole |= {f"{column}.{key}": inner for key, inner in value.items()}
    return whole
