"""Workbooks of spreadsheet programs (xlsx), through openpyxl: values as shown, no formulas.

One sheet is one table: its first row that is not empty names the columns, or, below titles, the
first that has a name for each of them.
"""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tunewise.core.errors import InputError, Problem, nearest, reason
from tunewise.core.extras import needed
from tunewise.core.format import listed, plural
from tunewise.data.readers.first_line import MOST_ABOVE, looks_like_data
from tunewise.data.table import PLACE, Row, Table, cell_text, unusable_names

LARGEST = 1 << 30  # bytes of a workbook, unpacked: all rows are held in memory
_FAULTS = ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")  # no value at all


def read_workbook(path: Path, shown: str, sheet: str | None = None) -> Table:
    """The rows of one sheet: the one that is named, else the only one that holds any.

    Numbers stay numbers, but become texts in a column that holds texts too; dates become texts.

    Raises:
        MissingExtra: openpyxl is not installed.
        InputError: it is no workbook, several sheets hold rows and none is named, or what is
            wrong in the sheet.
    """
    book = _opened(path, shown)
    try:
        filled = [name for name in book.sheetnames if any(_cells(book, name))]
        if sheet is not None and sheet not in book.sheetnames:
            message = f"no sheet '{sheet}' in {shown}. {nearest(sheet, book.sheetnames)}"
            raise InputError([Problem("data.sheet", message)])
        if sheet is None and len(filled) > 1:
            message = (
                f"has the sheets {listed([repr(name) for name in filled], most=9)}. Say which is "
                f"meant: data: {{sheet: {filled[0]}}}, or --sheet at `tunewise init`."
            )
            raise InputError([Problem(shown, message)])
        if not filled:
            raise InputError([Problem(shown, "has no rows.")])
        chosen = sheet or filled[0]
        table = _table(list(_cells(book, chosen)), f"{shown}[{chosen}]")
    except (ValueError, KeyError, OSError, zipfile.BadZipFile, SyntaxError) as error:
        raise InputError([Problem(shown, f"cannot be read ({reason(error)}).")]) from error
    finally:
        book.close()
    return table


def sheets_in(path: Path, shown: str) -> dict[str, int]:
    """The sheets that hold anything, each with the number of its rows below the names."""
    book = _opened(path, shown)
    try:
        counts = {name: sum(1 for _ in _cells(book, name)) - 1 for name in book.sheetnames}
    finally:
        book.close()
    return {name: count for name, count in counts.items() if count > 0}


def _opened(path: Path, shown: str) -> Any:
    library = needed("openpyxl", extra="xlsx")
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > LARGEST:
            message = (
                f"has {size / 2**30:,.1f} GiB unpacked, and at most {LARGEST / 2**30:g} GiB are "
                "read. Save the sheet as CSV."
            )
            raise InputError([Problem(shown, message)])
        return library.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, OSError, KeyError, ValueError, SyntaxError) as error:
        message = f"is no workbook that can be read ({reason(error)}). Save the sheet as CSV."
        raise InputError([Problem(shown, message)]) from error


def _cells(book: Any, sheet: str) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Each row that holds anything, with its number."""
    found = book[sheet]
    if not hasattr(found, "iter_rows"):  # a sheet of charts
        return
    found.reset_dimensions()  # what the file states may be wrong
    for number, values in enumerate(found.iter_rows(values_only=True), start=1):
        row = tuple(map(_value, values))
        if any(value is not None for value in row):
            yield number, row


def _value(value: Any) -> Any:
    match value:
        case str():
            return None if not value.strip() or value in _FAULTS else value
        case float() if value.is_integer():
            return int(value)
        case datetime.datetime() if value.time() == datetime.time():
            return value.date().isoformat()
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat(*(" ",) if isinstance(value, datetime.datetime) else ())
        case datetime.timedelta():
            return str(value)
        case _:
            return value


def _table(rows: Sequence[tuple[int, tuple[Any, ...]]], shown: str) -> Table:
    first = _row_of_names(rows)
    (line, names), body = rows[first], rows[first + 1 :]
    width = max(len(row) for _, row in rows)
    header = ["" if name is None else str(name).strip() for name in names]
    header += [""] * (width - len(header))
    filled = {at for _, row in body for at, value in enumerate(row) if value is not None}
    place = f"{shown}:{line}"
    problems = [
        Problem(place, f"column {at + 1} has values and no name; name it, or clear it.")
        for at, name in enumerate(header)
        if not name and at in filled and at > 0
    ]
    problems += unusable_names(header, place)
    if problems:
        raise InputError(problems)
    kept = [(at, name) for at, name in enumerate(header) if name]
    texts = {
        at for at, _ in kept if any(isinstance(row[at], str) for _, row in body if at < len(row))
    }
    found: list[Row] = []
    for number, row in body:
        values = {
            name: cell_text(row[at])
            if at in texts and at < len(row)
            else (row + (None,) * width)[at]
            for at, name in kept
        }
        found.append({**values, PLACE: f"{shown}:{number}"})
    notes = []
    if first:
        notes.append(f"{shown}: what stands above row {line}, which names the columns, left out.")
    unnamed = len(filled - {at for at, _ in kept})
    if unnamed:
        notes.append(f"{shown}: {plural(unnamed, 'column')} without a name left out.")
    return Table(tuple(name for _, name in kept), found, notes=tuple(notes))


def _row_of_names(rows: Sequence[tuple[int, tuple[Any, ...]]]) -> int:
    """Where the names stand: the first row, or the first one below titles that names every column.

    Titles have at most half as many cells. Of two columns the first may merely lack a name, unless
    something stands between. Where there is no such row, what is missing is told of the first.
    """
    most = 0  # cells of a title
    for at, (line, row) in enumerate(rows[: MOST_ABOVE + 1][:-1]):
        filled = set().union(*(_filled(cells) for _, cells in rows[at + 1 :]))
        names = [cell for cell in row if cell is not None]
        if filled - {0} <= _filled(row) and (
            at == 0 or _below_titles(names, most, line, rows[0][0])
        ):
            return at
        most = max(most, len(names))
    return 0


def _below_titles(names: Sequence[Any], most: int, line: int, first: int) -> bool:
    texts = [name for name in names if isinstance(name, str)]
    enough = 2 * most <= len(names) and (len(names) > 2 or line > first + 1)
    return enough and texts == names and not looks_like_data(texts)


def _filled(cells: tuple[Any, ...]) -> set[int]:
    return {at for at, cell in enumerate(cells) if cell is not None}
