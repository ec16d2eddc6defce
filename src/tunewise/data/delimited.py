"""CSV and TSV, as RFC 4180 has it: quoted fields may hold delimiters, line ends and quotes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from tunewise.core.errors import InputError, Problem
from tunewise.data.encoding import read_text
from tunewise.data.rows import PLACE, Row, Table, plural

_DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def read_csv(path: Path, shown: str) -> Table:
    """Every value is text exactly as it stands: "NA", "null" and "007" are not interpreted."""
    return _read(path, shown, ",")


def read_tsv(path: Path, shown: str) -> Table:
    return _read(path, shown, "\t")


def _read(path: Path, shown: str, delimiter: str) -> Table:
    text = read_text(path, shown)
    records = iter(_records(text, shown, delimiter))
    line, names = next((line, fields) for line, fields in records if fields)
    header = [name.strip() for name in names]
    _check_header(header, f"{shown}:{line}", delimiter)
    # pandas writes its row numbers into a first column without a name.
    unnamed = header[0] == ""
    rows: list[Row] = []
    problems: list[Problem] = []
    for line, fields in records:
        if not fields:  # a blank line
            continue
        place = f"{shown}:{line}"
        if len(fields) != len(header):
            problems.append(Problem(place, _ragged(fields, header, delimiter)))
            continue
        row: Row = dict(zip(header, fields, strict=True))
        if unnamed:
            del row[""]
        row[PLACE] = place
        rows.append(row)
    if problems:
        raise InputError(problems)
    notes = (f"{shown}: the first column has no name and is left out.",) if unnamed else ()
    columns = tuple(name for name in header if name)
    return Table(columns, rows, notes=notes, headless=_looks_like_data(header))


def _records(text: str, shown: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Each record with the number of its first line.

    A list, because the limit is the whole program's: a generator left half-way would put it back
    whenever it happens to be collected, perhaps under another reader.
    """
    records = []
    before = csv.field_size_limit(len(text) + 1)  # the library's own limit is 128 KiB a field
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for fields in reader:
            if delimiter == "\t" and any("\n" in field and "\t" in field for field in fields):
                raise InputError(
                    [Problem(f"{shown}:{line}", f"{_RUNAWAY_QUOTE} up to line {reader.line_num}.")]
                )
            records.append((line, fields))
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            [
                Problem(
                    f"{shown}:{line}",
                    f"a quoted field is not closed, or goes on after its closing quote ({error}). "
                    'Inside quotes a quote is doubled: "she said ""yes""".',
                )
            ]
        ) from error
    finally:
        csv.field_size_limit(before)
    return records


_RUNAWAY_QUOTE = (
    'a field opens with a quote (") and swallows whole lines. A text that begins with a quote '
    'is itself quoted, with its quotes doubled ("""yes"" she said"); here it runs'
)


def _check_header(header: list[str], place: str, delimiter: str) -> None:
    if len(header) == 1:
        others = [other for other in _DELIMITER_NAMES if other != delimiter and other in header[0]]
        if others:
            raise InputError([Problem(place, _wrong_delimiter(header[0], delimiter, others[0]))])
    problems = [
        Problem(place, f"column {number} has no name.")
        for number, name in enumerate(header, start=1)
        if not name and number > 1
    ]
    problems += [
        Problem(place, f"two columns are called '{name}'.")
        for name in dict.fromkeys(header)
        if name and header.count(name) > 1
    ]
    if PLACE in header:
        problems.append(Problem(place, f"the column name '{PLACE}' is reserved; rename it."))
    if problems:
        hint = " Is the line with the names missing?" if _looks_like_data(header) else ""
        raise InputError([Problem(one.place, one.message + hint) for one in problems])


def _wrong_delimiter(line: str, delimiter: str, other: str) -> str:
    kind = "CSV" if delimiter == "," else "TSV"
    if other == "\t":
        way = "Call the file .tsv."
    elif other == "," and delimiter == "\t":
        way = "Call the file .csv."
    else:
        way = f"Save it with {_DELIMITER_NAMES[delimiter]} between the columns."
    start = line if len(line) <= 40 else line[:40] + "..."
    return (
        f"one column, called {start!r}: the columns seem to be separated by "
        f"{_DELIMITER_NAMES[other]}, and {kind} has {_DELIMITER_NAMES[delimiter]}. {way}"
    )


def _ragged(fields: list[str], header: list[str], delimiter: str) -> str:
    there = plural(len(fields), "field")
    message = f"{there} where the header has {len(header)} ({', '.join(header)})."
    if len(fields) > len(header):
        return f"{message} A text that holds {_DELIMITER_NAMES[delimiter]} must stand in quotes."
    return message


def _looks_like_data(header: list[str]) -> bool:
    """Whether the first line reads like a row: a number, or a whole sentence, for a name.

    >>> _looks_like_data(["text", "label"]), _looks_like_data(["a truly dull film", "0"])
    (False, True)
    """
    return any(
        name.replace(".", "", 1).lstrip("-").isdecimal() or len(name.split()) > 5 for name in header
    )
