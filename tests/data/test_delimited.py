"""Delimited files as programs write them: delimiters, quoting, encodings, quotes that stray."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.core.errors import InputError
from tunewise.data.readers.encoding import LONGEST
from tunewise.data.readers.files import read_file
from tunewise.data.table import PLACE, Table

DELIMITERS = (",", ";", "\t", "|")
QUOTING = (csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC)
MARKED = ("utf-8-sig", "utf-16", "utf-32")
FIELDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from(',;|"\n\r')
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("delimited")


def read(folder: Path, content: str | bytes, name: str = "a.csv") -> Table:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path, name)


def fault(folder: Path, content: str | bytes, name: str = "a.csv") -> str:
    with pytest.raises(InputError) as caught:
        read(folder, content, name)
    return str(caught.value)


def texts(table: Table) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in table.columns) for row in table.rows]


def page(
    rows: Sequence[Sequence[str]],
    delimiter: str = ",",
    quoting: int = csv.QUOTE_MINIMAL,
    ending: str = "\r\n",
) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=ending)  # type: ignore[arg-type]
    writer.writerows(rows)
    return out.getvalue()


REVIEWS = [("text", "label"), *((f"room {at} was fine", "ab"[at % 2]) for at in range(30))]


# What a program wrote is read back


@given(
    st.lists(st.tuples(FIELDS, FIELDS, st.sampled_from("ab")), min_size=1, max_size=4),
    st.sampled_from(DELIMITERS),
    st.sampled_from(QUOTING),
    st.sampled_from(("\n", "\r\n", "\r")),
    st.sampled_from(("utf-8", *MARKED)),
    st.sampled_from(("a.csv", "a.tsv")),
)
def test_every_table_of_the_csv_writer_is_read_back(  # noqa: PLR0917  # hypothesis names them
    folder: Path,
    rows: list[tuple[str, str, str]],
    delimiter: str,
    quoting: int,
    ending: str,
    encoding: str,
    name: str,
) -> None:
    if delimiter in "\t|":  # lines with as many of these as there are columns read as rows
        rows = [(a.replace(delimiter, " "), b.replace(delimiter, " "), c) for a, b, c in rows]
    if ending != "\r\n":  # the writer leaves the other line end bare when it quotes little
        quoting = csv.QUOTE_ALL
    written = page([("one", "two", "three"), *rows], delimiter, quoting, ending)
    assert texts(read(folder, written.encode(encoding), name)) == rows


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_the_delimiter_is_reported_by_the_first_line_and_stated(
    tmp_path: Path, delimiter: str, name: str
) -> None:
    table = read(tmp_path, page(REVIEWS, delimiter), name)
    assert texts(table) == REVIEWS[1:]
    promised = {"a.csv": ",", "a.tsv": "\t"}[name]
    assert bool(table.notes) == (delimiter != promised)
    assert all("columns separated by" in note for note in table.notes)


def test_commas_in_numbers_and_texts_do_not_make_columns(tmp_path: Path) -> None:
    rows = [("text", "score"), ("good, really", "3,5"), ("bad", "1,0")]
    assert texts(read(tmp_path, page(rows, ";"))) == rows[1:]
    named = [("name, first", "label"), ("Ada", "a"), ("Bob", "b")]
    assert texts(read(tmp_path, page(named, ";"))) == named[1:]


def test_the_promised_delimiter_is_kept_where_it_makes_columns(tmp_path: Path) -> None:
    table = read(tmp_path, "text;more,label\nfine;so,1\n")
    assert (table.columns, table.notes) == (("text;more", "label"), ())


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_a_first_line_may_state_the_delimiter(tmp_path: Path, delimiter: str) -> None:
    table = read(tmp_path, "\ufeff" + f"sep={delimiter}\r\n" + page(REVIEWS, delimiter))
    assert texts(table) == REVIEWS[1:]
    assert table.rows[0][PLACE] == "a.csv:3"
    assert "as its first line says" in table.notes[0]


@pytest.mark.parametrize("encoding", MARKED)
def test_marked_encodings_are_read_and_stated(tmp_path: Path, encoding: str) -> None:
    long = [("text", "label"), *(("Grüße 👋 " * 40_000, "ab"[at % 2]) for at in range(4))]
    table = read(tmp_path, page(long).encode(encoding))  # characters are cut between pieces
    assert texts(table) == long[1:]
    assert [encoding == "utf-8-sig"] == [not table.notes]


def test_a_marked_file_that_breaks_off_is_refused(tmp_path: Path) -> None:
    assert "is not UTF-16, which" in fault(tmp_path, page(REVIEWS).encode("utf-16")[:-1])


def test_a_byte_far_into_the_file_is_named_with_its_line(tmp_path: Path) -> None:
    lines = b"text,label\n" + b"fine,1\n" * 400_000
    russian = "совсем не то,0\n".encode("cp1251")  # as Windows-1252 it would be no language
    message = fault(tmp_path, b"a,b\n" + russian * 9)
    assert message.startswith("a.csv:2: byte 4 (0xf1) is not UTF-8")
    assert fault(tmp_path, lines + b"a\0b,0\n").startswith(f"a.csv:400002: byte {len(lines) + 1} ")


# Quotes that stray


def sound(columns: int, delimiter: str) -> list[list[str]]:
    names = [*(f"c{at}" for at in range(columns - 2)), "text", "label"]
    prose = "" if delimiter == "," else ", fine"
    rows = [
        [*(str(7 * at % 10) for _ in names[2:]), f"a room{prose} {at}", "ab"[at % 2]]
        for at in range(30)
    ]
    return [names, *rows]


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("columns", [2, 3, 7])
@pytest.mark.parametrize("closed", [False, True])
def test_a_quote_that_swallows_rows_is_named_with_its_line(
    tmp_path: Path, delimiter: str, columns: int, closed: bool
) -> None:
    draw = random.Random(columns)
    for _ in range(20):
        rows = [list(row) for row in sound(columns, delimiter)]
        opens = draw.randrange(1, 20)
        at = draw.randrange(columns)
        rows[opens][at] = f'"{rows[opens][at]}'
        if closed:
            rows[opens + draw.randrange(1, 10)][draw.randrange(columns)] += '"'
        message = fault(tmp_path, "\n".join(map(delimiter.join, rows)) + "\n")
        assert f"a.csv:{opens + 1}: " in message


def test_a_quote_is_named_where_it_opens_and_not_where_its_row_begins(tmp_path: Path) -> None:
    message = fault(tmp_path, 'a,b,c\n"two\nlines","open 5"" disk,x\nfine,y,z\n')
    assert message.startswith("a.csv:3: a quoted field opens here")
    goes_on = fault(tmp_path, 'a,b\n"two\nlines",x\n"said "yes" to",y\n"z",z\n')
    assert goes_on.startswith("a.csv:4: a quoted field opens here")
    assert "(line 4:" in goes_on


def test_long_bodies_with_commas_are_no_rows(tmp_path: Path) -> None:
    body = "Dear team, hello\nplease note, that\n\nat com.acme.Main(Main.java:7), line 3\nbest, A"
    for delimiter in (",", ";", "\t"):
        rows = [*REVIEWS, (body, "a"), ("Hi, b\nthanks, a", "b"), ('"quoted"\n"twice", a', "a")]
        assert texts(read(tmp_path, page(rows, delimiter))) == rows[1:]


def test_a_row_of_several_lines_with_too_few_fields_says_where_its_quote_opens(
    tmp_path: Path,
) -> None:
    message = fault(tmp_path, 'a,b,c\n1,2,3\n"x,2,3\n4,y",6\n')
    assert message.startswith("a.csv:3: 2 fields where the header has 3")
    assert "A quote opens a field on line 3, and the row runs to line 4." in message


# A header in the middle


@pytest.mark.parametrize("again", ["text,label", "\ufefftext,label", "Text,Label", "label,text"])
def test_a_header_repeated_below_is_no_row(tmp_path: Path, again: str) -> None:
    lines = [",".join(row) for row in REVIEWS]
    message = fault(tmp_path, "\n".join([*lines, again, *lines[1:]]))
    assert message.startswith("a.csv:32: repeats the names of the columns")


def test_a_single_column_may_hold_its_own_name(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "word\nother\nword\n")) == [("other",), ("word",)]


# Size


def test_what_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "hole.csv"
    with path.open("wb") as file:
        file.write(b"text,label\n")
        file.truncate(100 << 30)
    with pytest.raises(InputError, match=r"hole\.csv: has 100\.0 GiB, and at most 2 GiB"):
        read_file(path, "hole.csv")
    with path.open("r+b") as file:
        file.truncate(1 << 30)
    with pytest.raises(InputError, match=r"hole\.csv:2: byte 11 is NUL"):
        read_file(path, "hole.csv")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_line_without_end_is_given_up(tmp_path: Path, name: str) -> None:
    message = fault(tmp_path, b"x\n" + b"y" * (LONGEST + (2 << 20)), name)
    assert message.startswith(f"{name}:2: this line has more than 64 MiB")


def test_a_header_of_many_columns_takes_no_time(tmp_path: Path) -> None:
    names = [*(f"c{at}" for at in range(50_000)), "c49999"]
    assert "two columns are called 'c49999'" in fault(tmp_path, ",".join(names) + "\n")


# Where the table begins


TICKETS = [["id", "text", "topic"], *([str(at), f"room, {at}", "ab"[at % 2]] for at in range(20))]


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_lines_above_the_names_are_left_out_and_counted(tmp_path: Path, delimiter: str) -> None:
    content = "Export of 2025-03-01\nUser: admin\n\n" + page(TICKETS, delimiter, ending="\n")
    table = read(tmp_path, content)
    assert table.columns == ("id", "text", "topic")
    assert [texts(table)[0], table.rows[0][PLACE]] == [("0", "room, 0", "a"), "a.csv:5"]
    assert "the 3 lines above the names of the columns were left out" in table.notes[0]


def test_a_row_with_a_field_too_many_makes_no_header_of_the_next(tmp_path: Path) -> None:
    assert "3 fields where the header has 2" in fault(tmp_path, "a,b\n" + "x,y,z\n" * 12)


def test_a_first_line_that_is_a_row_is_kept_and_columns_get_names(tmp_path: Path) -> None:
    rows = [["ab"[at % 2], f"a room of size {at}"] for at in range(20)]
    table = read(tmp_path, page(rows))
    assert table.columns == ("column_1", "column_2")
    assert texts(table) == [tuple(row) for row in rows]
    assert table.rows[0][PLACE] == "a.csv:1"
    assert "no line names the columns" in table.notes[0]


@pytest.mark.parametrize("header", [["a", "text"], ["size", "a room of any size"]])
def test_names_that_could_be_values_are_names_still(tmp_path: Path, header: list[str]) -> None:
    rows = [["ab"[at % 2], f"a room of size {at}"] for at in range(20)]
    assert read(tmp_path, page([header, *rows])).columns == tuple(header)


def test_quotes_of_tabs_that_close_are_taken_off_and_others_stay(tmp_path: Path) -> None:
    said = ['"she said ""yes"""', '"a ""fine"" room"', '"never closed', '"yes" to "all"', "plain"]
    lines = "".join(f"{one}\tgood\n" for one in said)
    table = read(tmp_path, f"text\tlabel\n{lines}", "a.tsv")
    found = [row["text"] for row in table.rows]
    assert found == ['she said "yes"', 'a "fine" room', *said[2:]]
    assert "quotes that do not close their field" in table.notes[0]
