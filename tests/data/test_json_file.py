"""One JSON value in a file: lists of records, records under a key, lines with the wrong ending."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.core.errors import InputError
from tunewise.data.readers.files import read_file
from tunewise.data.readers.json_file import LARGEST
from tunewise.data.table import PLACE, Table

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = st.none() | st.booleans() | st.integers() | TEXTS | st.lists(TEXTS, max_size=2)
RECORDS = st.lists(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=3), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("json")


def read(folder: Path, content: str, name: str = "a.json") -> Table:
    (folder / name).write_text(content, encoding="utf-8")
    return read_file(folder / name, name)


def fault(folder: Path, content: str) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, content)
    return str(caught.value)


def values(table: Table) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != PLACE} for row in table.rows]


@given(RECORDS, st.sampled_from([None, 1]), st.booleans(), st.booleans())
def test_records_are_read_back(
    folder: Path, records: list[dict[str, Any]], indent: int | None, keyed: bool, escaped: bool
) -> None:
    content = {"version": "1", "data": records} if keyed else records
    page = json.dumps(content, indent=indent, ensure_ascii=escaped)
    table = read(folder, page)
    assert values(table) == records
    assert [row[PLACE] for row in table.rows] == [f"a.json[{at}]" for at in range(len(records))]


@given(RECORDS)
def test_lines_are_read_whatever_the_ending(folder: Path, records: list[dict[str, Any]]) -> None:
    records = [*records, {"text": "one more"}]
    table = read(folder, "\n".join(map(json.dumps, records)) + "\n")
    assert values(table) == records
    assert "read as JSON Lines" in table.notes[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"a": 1}, 2]', "a.json[1]: holds the value 2 where an object"),
        ('[{"a": 1},\n {"a" 1}]', "a.json:2: is not JSON"),
        ('[{"a": 1, "a": 2}]', "the key 'a' stands twice"),
        ('[{"a": NaN}]', "NaN is not JSON"),
        ('[{"a": "\\ud800"}]', "a.json[0]: a text holds half a character"),
        ('{"text": {"0": "x"}, "label": {"0": "a"}}', "holds columns, not rows. With pandas:"),
        ('{"rows": 3, "text": "x"}', "one object with the keys 'rows', 'text'"),
        ("[" * 100_000, "is nested too deeply"),
        ("[[[1]]]", "a.json[0]: holds a list"),
        ("[" + "9" * 5000 + "]", "integer"),
        ("3", "holds no rows"),
        ("[]", "has no rows"),
        ('{"data": []}', "has no rows"),
        ('[{"text": "a", "label": "b"}, {"label": "text", "text": "label"}]', "repeats the names"),
    ],
)
def test_other_values_are_refused_with_what_they_are(
    tmp_path: Path, content: str, message: str
) -> None:
    assert message in fault(tmp_path, content)


def test_an_object_of_very_many_keys_takes_no_time(tmp_path: Path) -> None:
    keys = ", ".join(f'"k{at}": 1' for at in range(50_000))
    assert "'k49999' stands twice" in fault(tmp_path, f'[{{{keys}, "k49999": 2}}]')


def test_a_value_too_large_to_be_held_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.json").open("wb") as file:
        file.write(b"[")
        file.truncate(LARGEST + 1)
    with pytest.raises(InputError, match=r"at most 0\.5 GiB are read"):
        read_file(tmp_path / "a.json", "a.json")


def test_fields_of_nested_records_are_columns(folder: Path) -> None:
    rows = [
        {"id": 1, "mail": {"subject": "Hi", "from": {"name": "Ann"}}, "tags": ["a"]},
        {"id": 2, "mail": None},
        {"id": 3, "mail": {"subject": "Re: Hi"}},
    ]
    for name, content in (
        ("nested.json", json.dumps(rows)),
        ("nested.jsonl", "\n".join(map(json.dumps, rows))),
    ):
        table = read(folder, content, name)
        assert table.columns == ("id", "mail.subject", "mail.from.name", "tags")
        first = {"id": 1, "mail.subject": "Hi", "mail.from.name": "Ann", "tags": ["a"]}
        assert values(table) == [first, {"id": 2}, {"id": 3, "mail.subject": "Re: Hi"}]
        assert "'mail.FIELD'" in table.notes[-1]


@pytest.mark.parametrize(
    "second",
    [
        {"mail": "a text"},  # no record in every row
        {"mail": {"to": "Bo"}, "mail.to": "Ann"},  # the name is taken
        {"mail": {"to": ["Bo"]}},  # lists alone, as the answers of SQuAD
    ],
)
def test_records_that_are_no_columns_stay_whole(folder: Path, second: dict[str, Any]) -> None:
    rows = [{"mail": {"to": ["Ann"]}}, second]
    assert values(read(folder, json.dumps(rows))) == rows
