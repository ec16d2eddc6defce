"""From tables to rows with our column names and with ids."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tunewise.core.errors import InputError, Problem, nearest
from tunewise.core.format import first_of, plural
from tunewise.data.audit.alike import escaped
from tunewise.data.table import PLACE, Row, Splits, Table

ID = "id"


def named_rows(
    tables: Mapping[str, Table],
    wanted: Sequence[str],
    *,
    rename: Mapping[str, str],
    optional: Collection[str | None] = (),
    prefix: str | None = None,
    remedy: str = "",
) -> Splits:
    """The rows of each split under our names, each with an ``id``.

    Args:
        tables: what was read, by split.
        wanted: columns that must be there, by our names.
        rename: from our name to theirs.
        optional: wanted columns that single rows may lack; they are then None (a missing label).
        prefix: begins the ids of rows that bring none, before "-<number>"; else the split does.
        remedy: what to do about rows that lack a column.

    Raises:
        InputError: columns or ids that are missing or unusable, in all tables together.
    """
    splits: Splits = {}
    problems: list[Problem] = []
    taken = {*rename.keys(), *rename.values()}
    for split, table in tables.items():
        place: str = table.rows[0][PLACE]
        shown = place.rpartition("[")[0] if place.endswith("]") else place.rpartition(":")[0]
        lost = _missing_columns(table, wanted, rename, shown)
        problems += lost
        if lost:
            continue
        rows: list[Row] = []
        for row in table.rows:
            named = {column: value for column, value in row.items() if column not in taken}
            named |= {ours: row[theirs] for ours, theirs in rename.items() if theirs in row}
            rows.append(named)
        for column in wanted:
            if column in optional:
                for row in rows:
                    row.setdefault(column, None)
            else:
                problems += _gaps(rows, column, remedy)
        has_ids = rename.get(ID, ID) in table.columns
        for number, row in enumerate(rows):
            if not has_ids:
                row[ID] = f"{prefix or split}-{number}"
            elif fault := _id_fault(row.get(ID)):
                problems.append(Problem(row[PLACE], fault))
            else:
                row[ID] = str(row[ID])
        splits[split] = rows
    if problems:
        raise InputError(problems)
    return splits


def _missing_columns(
    table: Table, wanted: Sequence[str], rename: Mapping[str, str], shown: str
) -> list[Problem]:
    problems = []
    for ours in dict.fromkeys([*wanted, *rename]):
        theirs = rename.get(ours, ours)
        if theirs in table.columns or (ours == ID and ours not in rename):
            continue
        if table.headless:
            way = "Line 1 seems to be data: put a line with the names of the columns above it."
        elif ours in rename:
            way = f"It is what data.columns.{ours} names."
        else:
            way = f"If it has another name: data.columns: {{{ours}: <name>}}"
        problems.append(
            Problem(
                shown,
                f"has no column '{theirs}'. {nearest(theirs, map(escaped, table.columns))} {way}",
            )
        )
    return problems


def _gaps(rows: Sequence[Row], column: str, remedy: str) -> list[Problem]:
    places = [row[PLACE] for row in rows if column not in row]
    if not places:
        return []
    says = f"no '{column}' here; {plural(len(places), 'row')} lack it ({first_of(places)})."
    return [Problem(places[0], f"{says} {remedy}".rstrip())]


def _id_fault(value: Any) -> str | None:
    """Why a value cannot be an id. Ids stay as written: "007" is not 7, and 1e5 is not 100000."""
    match value:
        case bool() | float():
            return f"id = {value!r}: an id is a text or a whole number; write it in quotes."
        case int():
            return None
        case str():
            return None if value.strip() else "the id is empty; every row needs its own."
        case None:
            return "the id is missing; every row needs its own."
        case _:
            return f"the id is {type(value).__name__}; it must be a text or a whole number."
