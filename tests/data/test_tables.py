"""Workbooks, and tables that Python holds."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tunewise.core.errors import InputError
from tunewise.data.in_memory import as_arrow, with_stored_tables
from tunewise.data.readers.files import read_file
from tunewise.data.table import PLACE

ROWS = [{"text": "fine", "label": 1}, {"text": "bad", "label": 0}]


def book(path: Path, **sheets: list[list[Any]]) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


def test_a_sheet_is_read_with_places_dates_and_mixed_columns(tmp_path: Path) -> None:
    day = datetime.datetime(2026, 1, 3)
    rows: list[list[Any]] = [
        [],
        ["text", "label", "day", None],
        ["fine", 1.0, day],
        [None, None],
        [7, 0, None],
    ]
    table = read_file(book(tmp_path / "a.xlsx", Data=rows), "a.xlsx")
    assert table.rows == [
        {"text": "fine", "label": 1, "day": "2026-01-03", PLACE: "a.xlsx[Data]:3"},
        {"text": "7", "label": 0, "day": None, PLACE: "a.xlsx[Data]:5"},
    ]


def test_of_several_sheets_one_is_named(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["text", "label"], ["fine", 1]]
    path = book(tmp_path / "a.xlsx", One=rows, Two=[*rows, ["bad", 0]], Empty=[])
    with pytest.raises(InputError, match=r"has the sheets 'One' and 'Two'\. Say which"):
        read_file(path, "a.xlsx")
    assert len(read_file(path, "a.xlsx", "Two").rows) == 2
    with pytest.raises(InputError, match=r"no sheet 'Tow' in a\.xlsx\. Did you mean 'Two'"):
        read_file(path, "a.xlsx", "Tow")


def test_a_broken_workbook_is_told(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(InputError, match="no workbook that can be read"):
        read_file(tmp_path / "a.xlsx", "a.xlsx")
    path = book(tmp_path / "b.xlsx", One=[["text", None], ["fine", "x"]])
    with pytest.raises(InputError, match=r"b\.xlsx\[One\]:1: column 2 has values and no name"):
        read_file(path, "b.xlsx")
    rows: list[list[Any]]
    rows = [["text", None], ["fine", "x"], ["dull", "y"]]  # no title: a name is missing
    with pytest.raises(InputError, match="column 2 has values and no name"):
        read_file(book(tmp_path / "c.xlsx", One=rows), "c.xlsx")
    rows = [["text", "label", None], ["fine", "x", "a"], ["dull", "y", "b"]]
    with pytest.raises(InputError, match="column 3 has values and no name"):
        read_file(book(tmp_path / "d.xlsx", One=rows), "d.xlsx")


@pytest.mark.parametrize(
    "titles", [[["Incidents, spring"]], [["Incidents"], [], ["as of", "2 April"]]]
)
def test_the_names_of_a_sheet_may_stand_below_titles(
    tmp_path: Path, titles: list[list[Any]]
) -> None:
    body: list[list[Any]] = [["no.", "text", "cause", "site"], [1, "fan", "old", "Ulm"]]
    table = read_file(book(tmp_path / "a.xlsx", One=[*titles, *body]), "a.xlsx")
    (row,) = table.rows
    assert (row["text"], row["site"]) == ("fan", "Ulm")
    assert table.notes == (
        f"a.xlsx[One]: what stands above row {len(titles) + 1}, which names the columns, left out.",
    )


def test_two_columns_below_a_title_need_something_between(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["Reviews"], [], ["text", "label"], ["fine", "x"]]
    table = read_file(book(tmp_path / "a.xlsx", One=rows), "a.xlsx")
    assert table.columns == ("text", "label")


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary()],
)
@pytest.mark.parametrize("coded", [False, True])
def test_parquet_of_any_kind_of_text_is_read(tmp_path: Path, kind: Any, coded: bool) -> None:
    if coded and kind == pa.string_view():
        pytest.skip("Arrow has no dictionary of views")
    values = [b"Gr\xc3\xbc\xc3\x9fe", None] if "binary" in str(kind) else ["Grüße", None]
    column = pa.array(values, kind)
    column = column.dictionary_encode() if coded else column
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    rows = read_file(tmp_path / "a.parquet", "a.parquet").rows
    assert [row["text"] for row in rows] == ["Grüße", None]


def tables() -> list[Any]:
    found: list[Any] = [pa.Table.from_pylist(ROWS), ROWS]
    for name, make in (("pandas", "DataFrame"), ("polars", "DataFrame")):
        library = pytest.importorskip(name) if name == "pandas" else _maybe(name)
        found += [getattr(library, make)(ROWS)] if library else []
    return found


def _maybe(name: str) -> Any:
    try:
        return __import__(name)
    except ImportError:
        return None


def test_a_table_in_memory_becomes_a_file_named_by_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for table in tables():
        assert as_arrow(table).to_pylist() == ROWS
        first, again = (
            with_stored_tables({"data": {"source": table}})["data"]["source"] for _ in range(2)
        )
        assert first == again
        read = read_file(Path(first), first).rows
        assert [{name: row[name] for name in ("text", "label")} for row in read] == ROWS
    splits = with_stored_tables({"data": {"source": {"dev": ROWS, "train": ROWS}}})["data"]
    assert sorted(splits["files"]) == ["train", "validation"]
    with pytest.raises(InputError, match="name them train, validation, test"):
        with_stored_tables({"data": {"source": {"part": ROWS}}})
