"""Parquet of every type and in every condition."""

from __future__ import annotations

import datetime
import decimal
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tunewise.core.errors import InputError
from tunewise.data.audit.audit import not_texts
from tunewise.data.readers import parquet
from tunewise.data.readers.files import read_file


def read(folder: Path, **columns: Any) -> list[dict[str, Any]]:
    pq.write_table(pa.table(columns), folder / "a.parquet")
    return read_file(folder / "a.parquet", "a.parquet").rows


WORDS = ["good", "bad", None, "good"]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(WORDS, pa.large_string()),
        pa.array(WORDS, pa.string_view()),
        pa.array(WORDS).dictionary_encode(),
        pa.array(WORDS, pa.large_string()).dictionary_encode(),
    ],
)
def test_texts_are_texts_however_they_are_stored(tmp_path: Path, column: pa.Array) -> None:
    assert [row["text"] for row in read(tmp_path, text=column)] == WORDS


@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"raw", b"\xff"]),
        pa.array([decimal.Decimal("1.50")] * 2),
        pa.array([datetime.date(2020, 1, 1)] * 2),
        pa.array([1, 2], pa.timestamp("ns", tz="UTC")),
        pa.array([float("nan")] * 2),
        pa.array([{"a": [b"x"]}] * 2),
        pa.array([[("a", 1)]] * 2, pa.map_(pa.string(), pa.int64())),
        pa.nulls(2),
    ],
)
def test_other_types_are_read_and_reported_where_a_text_is_needed(
    tmp_path: Path, column: pa.Array
) -> None:
    rows = read(tmp_path, text=column)
    assert len(rows) == 2
    message = not_texts({"train": rows}, ["text"])
    assert re.search("(not a text|bytes that are not UTF-8 text); so in 2 rows", str(message[0]))


@pytest.mark.parametrize(
    "column",
    [
        pa.array([2**30], pa.date32()),
        pa.array([2**60], pa.duration("s")),
        pa.array([1], pa.timestamp("us", tz="Nowhere/Else")),
    ],
)
def test_values_beyond_what_can_be_held_name_the_column(tmp_path: Path, column: pa.Array) -> None:
    with pytest.raises(InputError, match=r"column 'when' holds values of type .* cannot be read"):
        read(tmp_path, when=column)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.6, 0.9, 0.99])
def test_a_file_that_breaks_off_is_refused(tmp_path: Path, fraction: float) -> None:
    read(tmp_path, text=[f"room {at}" for at in range(1000)])
    path = tmp_path / "a.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(fraction * len(whole))])
    with pytest.raises(InputError, match=r"a\.parquet: cannot be read as Parquet"):
        read_file(path, "a.parquet")


def test_damaged_text_is_refused_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["good room"] * 9}), path, compression="none")
    path.write_bytes(path.read_bytes().replace(b"good room", b"good \xffoom"))
    with pytest.raises(InputError, match="UTF"):
        read_file(path, "a.parquet")


def test_what_is_too_large_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "MOST_ROWS", 3)
    with pytest.raises(InputError, match=r"has 4 rows of .* at most 3 rows and 4 GiB"):
        read(tmp_path, text=WORDS)
    with (tmp_path / "hole.parquet").open("wb") as file:
        file.truncate(100 << 30)
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_file(tmp_path / "hole.parquet", "hole.parquet")
