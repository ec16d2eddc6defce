"""Reading files: cases 34 (encodings), 35 (CSV), 36 ("NA"), 37 (ids) and 45 (hostile text)."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.core.errors import InputError
from tunewise.data.readers.files import data_files, read_file, split_files
from tunewise.data.table import PLACE, Table

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
HOSTILE = st.one_of(
    TEXTS,
    st.text(alphabet=",;\t|\"'\n\r\u2028\u00a0\ufeff\u200b\u0301é😀\\"),
    st.sampled_from(["NA", "null", "None", "nan", "007", "1e5", "", " ", "=1+1", "é", "👩‍👩‍👧"]),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, name: str, content: str | bytes) -> Table:
    return read_file(written(folder, name, content), name)


def fault(folder: Path, name: str, content: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, name, content)
    return str(caught.value)


def values(table: Table) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != PLACE} for row in table.rows]


# Round trips


@given(st.lists(st.tuples(HOSTILE, HOSTILE), min_size=1, max_size=5), st.sampled_from([",", "\t"]))
def test_whatever_the_csv_writer_wrote_is_read_back(
    folder: Path, rows: list[tuple[str, str]], delimiter: str
) -> None:
    if delimiter == "\t":  # a quoted field over lines with tabs reads as a forgotten quote
        rows = [(a.replace("\t", " "), b.replace("\t", " ")) for a, b in rows]
    page = io.StringIO(newline="")
    csv.writer(page, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    name = "x.csv" if delimiter == "," else "x.tsv"
    assert values(read(folder, name, page.getvalue())) == [{"a": a, "b": b} for a, b in rows]


JSON_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | HOSTILE
)
JSON_VALUES = st.recursive(
    JSON_SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(HOSTILE, inner, max_size=2),
    max_leaves=4,
)
COLUMNS = JSON_SCALARS | st.lists(JSON_VALUES, max_size=2)  # records are opened, see test_json_file


@given(
    st.lists(st.dictionaries(HOSTILE, COLUMNS, min_size=1, max_size=3), min_size=1, max_size=4),
    st.booleans(),
)
def test_whatever_json_wrote_is_read_back(
    folder: Path, rows: list[dict[str, Any]], escaped: bool
) -> None:
    lines = [json.dumps(row, ensure_ascii=escaped) for row in rows]
    assert values(read(folder, "x.jsonl", "\n".join(lines) + "\n")) == rows


@given(st.lists(st.tuples(HOSTILE, st.none() | st.integers(-5, 5)), min_size=1, max_size=5))
def test_parquet_is_read_back(folder: Path, rows: list[tuple[str, int | None]]) -> None:
    given_rows = [{"text": text, "label": label} for text, label in rows]
    pq.write_table(pa.Table.from_pylist(given_rows), folder / "x.parquet")
    assert values(read_file(folder / "x.parquet", "x.parquet")) == given_rows


@given(
    st.binary(max_size=200)
    | st.lists(HOSTILE, max_size=9).map(lambda parts: "".join(parts).encode()),
    st.sampled_from(["x.csv", "x.tsv", "x.jsonl", "x.parquet"]),
)
def test_any_bytes_are_read_or_refused_with_a_place(folder: Path, raw: bytes, name: str) -> None:
    try:
        table = read(folder, name, raw)
    except InputError as error:
        assert all(problem.place.startswith(name) for problem in error.problems)
    else:
        assert table.rows


# Places


def test_places_count_lines_even_after_a_text_over_several_lines(tmp_path: Path) -> None:
    table = read(tmp_path, "a.csv", 'text,label\n"one\ntwo\nthree",0\n\nfour,1\n')
    assert [row[PLACE] for row in table.rows] == ["a.csv:2", "a.csv:6"]


def test_json_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    table = read(tmp_path, "a.jsonl", '{"t": "a\u2028b"}\r\n\n{"t": "c"}')
    assert [(row["t"], row[PLACE]) for row in table.rows] == [
        ("a\u2028b", "a.jsonl:1"),
        ("c", "a.jsonl:3"),
    ]


# Case 34


def test_latin1_in_json_names_the_byte_the_line_and_the_word(tmp_path: Path) -> None:
    content = '{"text": "fine"}\n{"text": "the café was nice"}\n'.encode("cp1252")
    message = fault(tmp_path, "a.jsonl", content)
    assert message.startswith("a.jsonl:2: byte 34 (0xe9) is not UTF-8")
    assert "'café'" in message
    assert "iconv -f WINDOWS-1252 -t UTF-8 'a.jsonl'" in message


def test_windows_1252_is_read_in_delimited_files_and_stated(tmp_path: Path) -> None:
    text = "text,label\n" + "fine,1\n" * 300_000 + "the café “Zur Brücke”,0\n"
    table = read(tmp_path, "a.csv", text.encode("cp1252"))
    assert table.rows[-1]["text"] == "the café “Zur Brücke”"
    assert "read as Windows-1252, because it is not UTF-8 (at 'caf?')" in table.notes[0]
    assert "iconv -f ENCODING -t UTF-8 'a.csv'" in table.notes[0]


def test_utf_8_with_one_broken_character_is_no_windows_1252(tmp_path: Path) -> None:
    content = "text,label\nGrüße aus Zürich,1\n".encode() + b"caf\xc3,0\n"
    assert "a.csv:3: byte 36 (0xc3) is not UTF-8" in fault(tmp_path, "a.csv", content)


def test_utf_8_with_lines_of_windows_1252_is_read_and_stated(tmp_path: Path) -> None:
    western = "Größe – naïve’s Éclair,0\n".encode("cp1252")
    content = "text,label\nGrüße aus Zürich – “schön”,1\n".encode() + western
    table = read(tmp_path, "a.csv", content)
    assert table.rows[0]["text"] == "Grüße aus Zürich – “schön”"
    assert table.rows[1]["text"] == "Größe – naïve’s Éclair"
    assert "UTF-8 with Windows-1252 in between" in table.notes[0]
    assert "6 letters of the file, the first at 'Gr??e'" in table.notes[0]


@pytest.mark.parametrize("odd", [b"caf\xc3", b"\xe2\x80", "не то".encode("cp1251")])
def test_what_is_no_letter_of_windows_1252_is_refused(tmp_path: Path, odd: bytes) -> None:
    content = "text,label\nGrüße aus Zürich,1\n".encode() + odd + b",0\n"
    assert "a.csv:3: " in fault(tmp_path, "a.csv", content)


def test_columns_in_a_text_file_are_read_and_prose_is_not(tmp_path: Path) -> None:
    table = read(tmp_path, "a.txt", "text\tlabel\nGröße\t1\n".encode("utf-16"))
    assert table.rows[0]["text"] == "Größe"
    assert "seems to be plain text" in fault(tmp_path, "b.txt", b"fine\nand dull\n")
    assert "hold columns, and this one does not" in fault(tmp_path, "c.txt", b"a, b\nand, a, c\n")
    assert [path.name for path in data_files(tmp_path)] == []


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["text,label\nfine,1\n", "text,label\ncafé,1\n"])
def test_utf16_without_a_mark_is_read_and_stated(tmp_path: Path, encoding: str, text: str) -> None:
    table = read(tmp_path, "a.csv", text.encode(encoding))
    assert table.rows[0]["text"] in ("fine", "café")
    assert "UTF-16" in table.notes[0]
    json = fault(tmp_path, "a.jsonl", '{"text": "fine, and long enough"}\n'.encode(encoding))
    assert "iconv -f UTF-16" in json


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", b"\xef\xbb\xbftext,label\nx,1\n").columns == ("text", "label")
    assert read(tmp_path, "a.jsonl", b'\xef\xbb\xbf{"text": "x"}\n').columns == ("text",)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"\x1f\x8b\x08\x00", "compressed with gzip"),
        (b"PK\x03\x04abc", "zip archive"),
        (b"PAR1xyz", "call it .parquet"),
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"text,label\n", "has no rows"),
    ],
)
def test_files_that_hold_something_else_say_so(tmp_path: Path, raw: bytes, says: str) -> None:
    assert says in fault(tmp_path, "a.csv", raw)


# Case 35


def test_every_ragged_row_is_named_with_its_line(tmp_path: Path) -> None:
    message = fault(tmp_path, "a.csv", "text,label\nwell, no,0\nfine,1\nshort\n")
    assert (
        "a.csv:2: 3 fields where the header has 2 (text, label). A text that holds commas"
        in message
    )
    assert "a.csv:4: 1 field where the header has 2" in message


def test_blank_lines_before_the_header_are_passed_over(tmp_path: Path) -> None:
    table = read(tmp_path, "a.csv", "\r\n\r\ntext,label\r\nfine,1\r\n")
    assert table.rows == [{"text": "fine", "label": "1", "_place": "a.csv:4"}]


def test_a_missing_header_is_noticed(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", "a rather dull and long film,0\nfine,1\n").headless
    assert "Is the line with the names missing?" in fault(tmp_path, "b.csv", "0,0,x\n1,1,y\n")


def test_the_index_column_of_pandas_is_left_out_with_a_note(tmp_path: Path) -> None:
    table = read(tmp_path, "a.csv", ",text,label\n0,fine,1\n1,bad,0\n")
    assert table.columns == ("text", "label")
    assert values(table)[0] == {"text": "fine", "label": "1"}
    assert "first column has no name" in table.notes[0]


def test_an_open_quote_is_named_with_the_line_it_opened_on(tmp_path: Path) -> None:
    message = fault(tmp_path, "a.csv", 'text,label\nfine,1\n"never closed,0\nmore,1\n')
    assert message.startswith("a.csv:3: a quoted field opens here and is not closed")


def test_a_quote_that_swallows_lines_of_a_tsv_stands_for_itself(tmp_path: Path) -> None:
    quoted = '"and ""more"" of it"\t1\n' * 9
    table = read(tmp_path, "a.tsv", f'text\tlabel\n"great film\t1\nhe said "\t0\n{quoted}')
    texts = [row["text"] for row in table.rows]
    assert texts == ['"great film', 'he said "', *['and "more" of it'] * 9]


def test_quotes_of_a_tsv_that_do_not_close_stand_for_themselves(tmp_path: Path) -> None:
    content = 'text\tlabel\n"great" film\t1\n5" disk\t0\n"and so on\t1\n'
    table = read(tmp_path, "a.tsv", content)
    assert [row["text"] for row in table.rows] == ['"great" film', '5" disk', '"and so on']
    assert "quotes that do not close their field are read as they stand" in table.notes[0]


def test_empty_columns_that_a_spreadsheet_left_behind_are_none(tmp_path: Path) -> None:
    table = read(tmp_path, "a.csv", "text;label;;\nfine;1;;\nbad;0;;\n")
    assert table.columns == ("text", "label")
    assert "column 3 has no name" in fault(tmp_path, "a.csv", "text,label,\nfine,1,\nbad,0,x\n")


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    assert "two columns are called 'text'" in fault(tmp_path, "a.csv", "text,text\na,b\n")


# Case 36


def test_words_for_nothing_stay_words(tmp_path: Path) -> None:
    table = read(tmp_path, "a.csv", "text,label\nNA,null\nNone,nan\n")
    assert values(table) == [{"text": "NA", "label": "null"}, {"text": "None", "label": "nan"}]


# Case 37


def test_ids_that_look_like_numbers_stay_text(tmp_path: Path) -> None:
    table = read(tmp_path, "a.csv", "id\n007\n1e5\n12345678901234567890\n")
    assert [row["id"] for row in table.rows] == ["007", "1e5", "12345678901234567890"]


# JSON Lines


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"text": "a", "text": "b"}', "the key 'text' stands twice"),
        ('{"text": "a", "label": NaN}', "NaN is not JSON; write null"),
        ('{"text": "a" "label": 1}', "is not JSON: Expecting ',' delimiter at column 14"),
        ("[1, 2]", "holds a list"),
        ("null", "holds null"),
        ('{"text": "\\ud83d"}', "lone surrogate \\ud83d"),
        ('{"text": "a\\u0000b"}', "holds NUL"),
        ('{"answers": {"text": ["\\udc00"]}}', "lone surrogate \\udc00"),
        ('{"_place": "x"}', "'_place' is reserved"),
        ('{"n": ' + "9" * 5000 + "}", "integer"),
        ('{"n": ' + "[" * 100_000 + "}", "nested too deeply"),
    ],
)
def test_a_wrong_line_of_json_is_named(tmp_path: Path, line: str, says: str) -> None:
    message = fault(tmp_path, "a.jsonl", f'{{"text": "fine"}}\n{line}\n{{"text": "fine"}}\n')
    assert message.startswith("a.jsonl:2: ")
    assert says in message


def test_a_last_line_that_breaks_off_is_named(tmp_path: Path) -> None:
    message = fault(tmp_path, "a.jsonl", '{"text": "fine"}\n{"text": "fi')
    assert message.startswith("a.jsonl:2: the last line breaks off")


def test_all_wrong_lines_are_reported_together(tmp_path: Path) -> None:
    assert fault(tmp_path, "a.jsonl", "{\n{}\n]\n").count("a.jsonl:") == 2


def test_a_json_list_is_distinguished_from_json_lines(tmp_path: Path) -> None:
    assert "call the file .json" in fault(tmp_path, "a.jsonl", '[{"text": "a"}]')
    assert "is called .jsonl" in fault(tmp_path, "a.json", "{}")


# Case 45


def test_a_text_of_a_megabyte_is_read(tmp_path: Path) -> None:
    long = "x" * 1_000_000
    assert values(read(tmp_path, "a.csv", f"text,label\n{long},1\n"))[0]["text"] == long
    assert values(read(tmp_path, "a.jsonl", f'{{"text": "{long}"}}\n'))[0]["text"] == long


def test_the_size_limit_of_the_csv_module_is_left_as_it_was(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    read(tmp_path, "a.csv", "text,label\nfine,1\n")
    assert csv.field_size_limit() == before
    (tmp_path / "b.csv").write_text('text,label\n"fine,1\n')
    with pytest.raises(InputError) as kept:  # an error holds on to the reader that raised it
        read_file(tmp_path / "b.csv", "b.csv")
    assert csv.field_size_limit() == before
    del kept


def test_nul_is_refused_with_its_place(tmp_path: Path) -> None:
    assert fault(tmp_path, "a.csv", b"text,label\na\0b,1\n").startswith("a.csv:2: byte 12 is NUL")
    pq.write_table(pa.table({"text": ["fine", "a\0b"]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet\[1\]: 'text' holds NUL"):
        read_file(tmp_path / "a.parquet", "a.parquet")


# Parquet and folders


def test_parquet_carries_class_names_and_minus_one_means_no_label(tmp_path: Path) -> None:
    features = {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}}
    table = pa.table({"text": ["a", "b"], "label": [1, -1]})
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "a.parquet")
    read_table = read_file(tmp_path / "a.parquet", "a.parquet")
    assert read_table.names == {"label": ("neg", "pos")}
    assert [row["label"] for row in read_table.rows] == [1, None]


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be read as Parquet" in fault(tmp_path, "a.parquet", b"PAR1nonsense")


def test_unknown_endings_are_refused(tmp_path: Path) -> None:
    message = fault(tmp_path, "a.xls", b"x")
    assert "'.xls' files are not read" in message
    assert "Save the sheet as .xlsx or .csv." in message


def test_splits_are_known_by_their_usual_names(tmp_path: Path) -> None:
    for name in ("train.csv", "dev.jsonl", "Test.tsv", "train_subset.csv", "notes.txt"):
        (tmp_path / name).touch()
    found = {split: path.name for split, path in split_files(tmp_path, "x").items()}
    assert found == {"train": "train.csv", "validation": "dev.jsonl", "test": "Test.tsv"}


def test_two_files_for_one_split_are_refused(tmp_path: Path) -> None:
    for name in ("train.csv", "val.csv", "dev.csv"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"dev\.csv and val\.csv both look like validation"):
        split_files(tmp_path, "x")
