from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tunewise.core.errors import DamagedFile
from tunewise.data.labels import Labels
from tunewise.data.prepared import (
    hash_of,
    label_counts,
    prepared_rows,
    read_prepared,
    write_prepared,
)
from tunewise.data.table import Splits

LABELS = Labels(("bad", "good"), {"no": 0, "yes": 1})
SPLITS: Splits = {
    "train": [
        {"id": "007", "text": "NA", "label": "yes", "author": 7, "other": {}, "_place": "a:2"},
        {"id": "x", "text": "👩‍👩‍👧 e\u0301\u2028", "label": "no", "author": None, "_place": "a:3"},
    ],
    "validation": [{"id": "y", "text": "", "label": "no", "_place": "b:2"}],
}


def prepared() -> Splits:
    return prepared_rows(SPLITS, ["text"], "label", LABELS, keep=["author"])


def test_prepared_rows_are_what_is_read_back(tmp_path: Path) -> None:
    write_prepared(tmp_path / "data", prepared())
    read = {name: read_prepared(tmp_path / "data", name) for name in SPLITS}
    assert {name: list(rows) for name, rows in read.items()} == prepared()
    assert read["train"].made_by(str)[1] == str(prepared()["train"][1])
    assert prepared()["train"][0] == {"id": "007", "text": "NA", "label": 1, "author": "7"}


def test_the_hash_is_of_the_rows_and_not_of_the_file(tmp_path: Path) -> None:
    write_prepared(tmp_path, prepared())
    table = pq.read_table(tmp_path / "train.parquet")
    pq.write_table(table, tmp_path / "train.parquet", compression="none", use_dictionary=False)
    again = {name: list(read_prepared(tmp_path, name)) for name in SPLITS}
    assert hash_of(again) == hash_of(prepared())


def test_the_hash_sees_every_value_order_and_split() -> None:
    base = prepared()
    changed = [
        {**base, "train": base["train"][::-1]},
        {"train": base["train"]},
        {**base, "validation": [{**base["validation"][0], "label": 1}]},
        {**base, "validation": [{**base["validation"][0], "text": " "}]},
        {"train": base["validation"], "validation": base["train"]},
    ]
    assert len({hash_of(base), *map(hash_of, changed)}) == 6


def test_the_hash_does_not_see_where_rows_stood() -> None:
    moved = {
        name: [{**row, "_place": "elsewhere"} for row in rows] for name, rows in prepared().items()
    }
    assert hash_of(moved) == hash_of(prepared())


def test_counts_name_every_option() -> None:
    assert label_counts(prepared(), "label", LABELS) == {
        "train": {"bad": 1, "good": 1},
        "validation": {"bad": 1, "good": 0},
    }


@pytest.mark.parametrize("length", [0, 10, 200])
def test_a_damaged_file_is_named(tmp_path: Path, length: int) -> None:
    write_prepared(tmp_path, prepared())
    path = tmp_path / "train.parquet"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DamagedFile, match=r"train\.parquet"):
        read_prepared(tmp_path, "train")
    with pytest.raises(DamagedFile, match=r"test\.parquet"):
        read_prepared(tmp_path, "test")
