"""CSV and TSV, as RFC 4180 has it: quoted fields may hold delimiters, line ends and quotes.

The delimiter is the one that the file's ending promises, unless the content says otherwise: by a
first line ``sep=;``, as spreadsheet programs write it, or because only another one makes columns.
Lines above the names, and a first line that is a row like the others, are known by what they hold.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewise.core.errors import InputError, Problem
from tunewise.core.format import plural
from tunewise.data.readers.encoding import LONGEST, read_text
from tunewise.data.readers.first_line import is_a_row, looks_like_data, possible_starts
from tunewise.data.readers.stray_quotes import Record, opening_line, swallowing
from tunewise.data.table import PLACE, Row, Table, unusable_names

_DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
NAMED = "column_"  # and a number: a column that the file gives no name
_SEPARATOR_LINE = re.compile(r"sep=([,;\t|])\s*", re.IGNORECASE)


@dataclass(frozen=True)
class _Grid:
    """The records of a file under one delimiter, the header first; or what is wrong with them."""

    delimiter: str
    records: list[Record]
    problems: list[Problem]

    @property
    def width(self) -> int:
        return len(self.records[0].fields) if self.records else 1


def read_csv(path: Path, shown: str) -> Table:
    """Every value is text exactly as it stands: "NA", "null" and "007" are not interpreted."""
    return _read(path, shown, ",")


def read_tsv(path: Path, shown: str) -> Table:
    return _read(path, shown, "\t")


def _read(path: Path, shown: str, promised: str) -> Table:
    text, notes = read_text(path, shown, guess=True)
    lines = list(io.StringIO(text, newline=""))
    first = next(at for at, line in enumerate(lines) if line.strip())
    grid, more_notes = _settled(lines, first, shown, promised)
    if grid.problems or grid.width == 1:
        grid, more_notes = _below_a_preamble(lines, first, shown) or (grid, more_notes)
    if grid.records and is_a_row([record.fields for record in grid.records]):
        grid = _named(grid, shown)
        more_notes.append(f"{shown}: no line names the columns; they are {NAMED}1, {NAMED}2, ...")
    if grid.problems:
        raise InputError(grid.problems)
    header = [name.strip() for name in grid.records[0].fields]
    # pandas writes its row numbers into a first column without a name.
    unnamed = header[0] == ""
    rows: list[Row] = []
    for record in grid.records[1:]:
        row: Row = dict(zip(header, record.fields, strict=True))
        if unnamed:
            del row[""]
        row[PLACE] = f"{shown}:{record.line}"
        rows.append(row)
    if unnamed:
        more_notes.append(f"{shown}: the first column has no name and is left out.")
    columns = tuple(name for name in header if name)
    return Table(columns, rows, notes=(*notes, *more_notes), headless=looks_like_data(header))


def _below_a_preamble(
    lines: Sequence[str], first: int, shown: str
) -> tuple[_Grid, list[str]] | None:
    """The sound table below lines that are no part of it; None if there is none."""
    for at, delimiter in possible_starts(lines, first, tuple(_DELIMITER_NAMES)):
        grid = _grid(lines, at, shown, delimiter)
        if grid.width > 1 and not grid.problems:
            above = f"the {plural(at - first, 'line')} above the names of the columns"
            return grid, [
                f"{shown}: {above} were left out; columns are separated by {_names(grid)}."
            ]
    return None


def _named(grid: _Grid, shown: str) -> _Grid:
    """With names of our own above the first row."""
    names = [f"{NAMED}{number}" for number in range(1, grid.width + 1)]
    records = [Record(grid.records[0].line, names, []), *grid.records]
    ragged = _ragged_rows(records, shown, grid.delimiter)
    return _Grid(grid.delimiter, records, ragged)


def _settled(
    lines: Sequence[str], first: int, shown: str, promised: str
) -> tuple[_Grid, list[str]]:
    """The grid under the right delimiter, and what to say where that is not the promised one."""
    if stated := _SEPARATOR_LINE.fullmatch(lines[first]):
        grid = _grid(lines, first + 1, shown, stated[1])
        return grid, [f"{shown}: columns separated by {_names(grid)}, as its first line says."]
    grid = _grid(lines, first, shown, promised)
    if promised == "\t" and grid.problems and (plain := _unquoted(lines, first, shown)):
        return plain, [f"{shown}: quotes that do not close their field are read as they stand."]
    if grid.width > 1 and not grid.problems:
        return grid, []
    others = [
        _grid(lines, first, shown, other)
        for other in _DELIMITER_NAMES
        if other != promised and other in lines[first]
    ]
    sound = [other for other in others if other.width > 1 and not other.problems]
    if not sound and (grid.width > 1 or not others):
        return grid, []
    best = max(sound or others, key=lambda other: other.width)
    return best, [f"{shown}: columns separated by {_names(best)}, as its first line shows."]


def _unquoted(lines: Sequence[str], first: int, shown: str) -> _Grid | None:
    """A file of tabs, a row a line, whose quotes mean nothing, as many programs write it.

    Where most fields that begin with a quote also end with one, those are taken off. None where
    the lines are no rows, so that quotes do mean something.
    """
    split = [(at, line.rstrip("\r\n").split("\t")) for at, line in enumerate(lines, start=1)]
    records = [Record(at, fields, [lines[at - 1]]) for at, fields in split[first:] if any(fields)]
    begun = [one for record in records for one in record.fields if one.startswith('"')]
    closed = sum(len(one) > 1 and one.endswith('"') for one in begun)
    header = records[0].fields
    even = all(len(record.fields) == len(header) for record in records)
    if len(header) < 2 or not even:
        return None
    if 2 * closed > len(begun):
        records = [one._replace(fields=[*map(_without_quotes, one.fields)]) for one in records]
    return _Grid("\t", records, _header_faults(header, f"{shown}:{records[0].line}"))


def _without_quotes(field: str) -> str:
    """A field whose quotes open and close it, without them; any other as it stands."""
    inner = field[1:-1]
    closed = len(field) > 1 and field[0] == field[-1] == '"'
    if closed and '"' not in inner.replace('""', ""):
        return inner.replace('""', '"')
    return field


def _names(grid: _Grid) -> str:
    return _DELIMITER_NAMES[grid.delimiter]


def _grid(lines: Sequence[str], first: int, shown: str, delimiter: str) -> _Grid:
    records, problems = _records(lines, first, shown, delimiter)
    if not records:
        return _Grid(delimiter, [], problems or [Problem(shown, "the file is empty.")])
    records = _without_hollow(records)
    header = records[0].fields
    problems = _header_faults(header, f"{shown}:{records[0].line}") or problems
    if not problems and (lost := swallowing(records, len(header), delimiter)):
        opened = opening_line(lost.raw, lost.line, delimiter)
        last = lost.line + len(lost.raw) - 1
        message = (
            f'a field opens with a quote (") and swallows whole rows, up to line {last}. A text '
            'that begins with a quote is itself quoted, with its quotes doubled ("""yes"" she '
            'said").'
        )
        problems = [Problem(f"{shown}:{opened}", message)]
    return _Grid(delimiter, records, problems or _ragged_rows(records, shown, delimiter))


def _ragged_rows(records: Sequence[Record], shown: str, delimiter: str) -> list[Problem]:
    header = records[0].fields
    return [
        Problem(f"{shown}:{record.line}", _ragged(record, header, delimiter))
        for record in records[1:]
        if len(record.fields) != len(header)
    ]


def _without_hollow(records: list[Record]) -> list[Record]:
    """Without columns that have neither a name nor a value, as spreadsheets leave behind."""
    header = records[0].fields
    hollow = {at for at, name in enumerate(header) if at and not name.strip()}
    for record in records:
        if not hollow or len(record.fields) != len(header):
            return records
        hollow -= {at for at in hollow if record.fields[at].strip()}
    return [
        record._replace(fields=[one for at, one in enumerate(record.fields) if at not in hollow])
        for record in records
    ]


def _records(
    lines: Sequence[str], first: int, shown: str, delimiter: str
) -> tuple[list[Record], list[Problem]]:
    """Each record that is not blank, from the line at position `first` on.

    A list, because the limit is the whole program's: a generator left half-way would put it back
    whenever it happens to be collected, perhaps under another reader.
    """
    records = []
    before = csv.field_size_limit(LONGEST)  # the library's own limit is 128 KiB a field
    reader = csv.reader(lines[first:] if first else lines, delimiter=delimiter, strict=True)
    start = first
    try:
        for fields in reader:
            end = first + reader.line_num
            if fields:
                records.append(Record(start + 1, fields, lines[start:end]))
            start = end
    except csv.Error as error:
        end = first + reader.line_num
        opened = opening_line(lines[start:end], start + 1, delimiter)
        message = (
            "a quoted field opens here and is not closed, or goes on after its closing quote (line "
            f'{end}: {error}). Inside quotes a quote is doubled: "she said ""yes""".'
        )
        return records, [Problem(f"{shown}:{opened}", message)]
    finally:
        csv.field_size_limit(before)
    return records, []


def _header_faults(names: Sequence[str], place: str) -> list[Problem]:
    header = [name.strip() for name in names]
    problems = [
        Problem(place, f"column {number} has no name.")
        for number, name in enumerate(header, start=1)
        if not name and number > 1
    ]
    problems += unusable_names(header, place)
    hint = " Is the line with the names missing?" if looks_like_data(header) else ""
    return [Problem(one.place, one.message + hint) for one in problems]


def _ragged(record: Record, header: Sequence[str], delimiter: str) -> str:
    there = plural(len(record.fields), "field")
    message = f"{there} where the header has {len(header)} ({', '.join(header)})."
    if len(record.raw) > 1:
        opened = opening_line(record.raw, record.line, delimiter)
        last = record.line + len(record.raw) - 1
        message += f" A quote opens a field on line {opened}, and the row runs to line {last}."
    if len(record.fields) > len(header):
        message += f" A text that holds {_DELIMITER_NAMES[delimiter]} must stand in quotes."
    return message
