"""Quotes that open by accident, and take the lines below them into one field.

A quoted field may hold line ends, so lines that vanished into one leave a table that looks sound.
What gives them away is that they read as rows of their own: split without regard to quotes, each
has the right number of fields, with values that the rest of the file has too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_PROSE = ",;"  # delimiters that stand in ordinary sentences, where counting fields shows little
_MANY_COLUMNS = 5  # from here on, not even in sentences do the counts agree by chance
_ENOUGH_RECORDS = 10  # to know what values a column has


class Record(NamedTuple):
    """The fields of one record, and the lines of the file that it stands on, from `line` on."""

    line: int
    fields: list[str]
    raw: Sequence[str]


def opening_line(raw: Sequence[str], line: int, delimiter: str) -> int:
    """The line on which the last quoted field of a record opens.

    Where a field goes on after its closing quote, that field is the last: after it all is guess.
    """
    opened, state = line, "start"
    for number, content in enumerate(raw, start=line):
        for character in content:
            ends = character in (delimiter, "\r", "\n")
            if state == "quoted":
                state = "closed" if character == '"' else state
            elif ends:
                state = "start"
            elif state == "closed" and character != '"':
                return opened
            elif state == "closed":  # a doubled quote: the field was not closed
                state = "quoted"
            elif state == "start" and character == '"':
                opened, state = number, "quoted"
            else:
                state = "plain"
    return opened


def swallowing(records: Sequence[Record], columns: int, delimiter: str) -> Record | None:
    """The first record whose lines read as rows of their own, or None."""
    long = [record for record in records if len(record.raw) > 1]
    if not long or columns < 2:
        return None
    # The values of the columns with few, as they stand on the lines of ordinary records.
    plain = [_split(record.raw[0], delimiter) for record in records[1:] if len(record.raw) == 1]
    plain = [row for row in plain if len(row) == columns]
    telling: dict[int, set[str]] = {}
    for at in range(columns) if len(plain) >= _ENOUGH_RECORDS else ():
        seen = {_form(row[at]) for row in plain} - {""}
        if 0 < len(seen) <= len(plain) / 2:
            telling[at] = seen
    strict = delimiter in _PROSE and columns < _MANY_COLUMNS
    for record in long:
        rows = [_split(line, delimiter) for line in record.raw if line.strip()]
        if len(record.fields) != columns or any(len(row) != columns for row in rows):
            continue
        # Some column has known values in all rows; where the quotes stand, without them.
        agree = any(
            all(_form(row[at]) in seen or _form(row[at].strip('"')) in seen for row in rows)
            for at, seen in telling.items()
        )
        if not strict or agree:
            return record
    return None


def _split(line: str, delimiter: str) -> list[str]:
    return line.rstrip("\r\n").split(delimiter)


def _form(value: str) -> str:
    """A value with its numbers made alike: those of ids and dates differ from row to row.

    >>> _form("T-10017"), _form("Billing")
    ('T-0', 'Billing')
    """
    return re.sub(r"\d+", "0", value)
