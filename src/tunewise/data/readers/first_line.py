"""Where the table of a delimited file begins, and whether its first line names the columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

MOST_ABOVE = 20  # lines above the names: titles, dates and filters of a report
ENOUGH_ROWS = 10  # to know what values a column has
LONG_NAME = 3  # words, from which on a field beside a known value is no name


def looks_like_data(header: Sequence[str]) -> bool:
    """Whether the first line reads like a row: a number, or a whole sentence, for a name.

    >>> looks_like_data(["text", "label"]), looks_like_data(["a truly dull film", "0"])
    (False, True)
    """
    return any(_is_number(name) or len(name.split()) > 5 for name in header)


def _is_number(name: str) -> bool:
    return name.replace(".", "", 1).lstrip("-").isdecimal()


def is_a_row(records: Sequence[Sequence[str]]) -> bool:
    """Whether the first record is one of the rows, because nobody has named the columns.

    One of its fields is a value that its column has again and again, and each other one is such a
    value too, a number or a sentence.

    >>> rows = [["good", "a quiet room"], *(["good", f"room {n}"] for n in range(10))]
    >>> is_a_row(rows), is_a_row([["label", "text"], *rows])
    (True, False)
    """
    header, rows = records[0], records[1:]
    if len(header) < 2 or len(rows) < ENOUGH_ROWS:
        return False
    if not all(map(str.strip, header)):
        return False
    known = [_again(name, at, rows) for at, name in enumerate(header)]
    return any(known) and all(
        seen or _is_number(name) or len(name.split()) >= LONG_NAME
        for seen, name in zip(known, header, strict=True)
    )


def _again(name: str, at: int, rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column of words holds this one in several rows below."""
    values = Counter(row[at].strip() for row in rows if at < len(row))
    return values[name.strip()] > 1 and not _is_number(name)


def possible_starts(
    lines: Sequence[str], first: int, delimiters: Sequence[str]
) -> Iterator[tuple[int, str]]:
    """Each line below `first` that may name the columns, with the delimiter it would do so by.

    It has at least twice as many fields as any line above it, by whatever they are separated, and
    does not read like a row.

    >>> list(possible_starts(["Export", "", "id|text|label", "1|fine|a"], 0, (",", "|")))
    [(2, '|')]
    """
    most = 1
    for at, line in enumerate(lines[first : first + 1 + MOST_ABOVE], start=first):
        fields = {mark: line.rstrip("\r\n").split(mark) for mark in delimiters}
        for mark, names in fields.items():
            named = all(map(str.strip, names)) and not looks_like_data(names)
            if at > first and named and len(names) >= 2 * most:
                yield at, mark
        most = max(most, *map(len, fields.values()))
