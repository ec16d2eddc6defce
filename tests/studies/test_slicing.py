from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tunewise.core.canonical import digest
from tunewise.core.errors import InputError
from tunewise.store.records import StudyRecord
from tunewise.store.study import StudyFolder
from tunewise.studies.prepare import Prepared, prepare, store
from tunewise.studyfile.studyfile import read_study

ROWS = [
    f"{number},the room is {word} {number},{label},{'flat' if number % 3 else ''}"
    for number, (word, label) in enumerate([("good", "yes"), ("cold", "no")] * 30)
]


def prepared(folder: Path, **changes: Any) -> Prepared:
    path = folder / "reviews.csv"
    path.write_text("id,text,label,kind of place\n" + "\n".join(ROWS) + "\n")
    study = {
        "name": "toy",
        "task": {"kind": "classification", "text": "text", "label": "label"},
        "data": {"source": str(path), "split": {"train": 0.5, "validation": 0.25, "test": 0.25}},
        "methods": ["majority", "tfidf"],
        **changes,
    }
    return prepare(read_study(study))


def ids(study: StudyRecord) -> list[str]:
    return [digest(point.identity) for row in study.contenders for point in row.points]


def test_the_columns_of_slices_are_kept_and_change_no_trial(tmp_path: Path) -> None:
    without = prepared(tmp_path)
    sliced = prepared(tmp_path, slices=["kind of place", "length", "label"])
    assert sliced.study.slices == ("kind of place", "length", "label")
    assert sliced.study.data.hash == without.study.data.hash
    assert ids(sliced.study) == ids(without.study)
    folder = StudyFolder.create(tmp_path / "study")
    with folder.lock():
        store(sliced, folder)
    table = pq.read_table(folder.path / "data" / "test.parquet")
    assert table.column_names == ["id", "text", "label", "kind of place"]
    assert set(table["kind of place"].to_pylist()) <= {"flat", "", None}
    assert set(table["label"].to_pylist()) == {0, 1}  # a slice by label leaves positions alone


def test_a_column_that_is_not_there_is_reported_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        prepared(tmp_path, slices=["kind of plaice"])
    assert str(caught.value).splitlines() == [
        f"slices: {split} has no column 'kind of plaice'. Did you mean 'kind of place'? "
        "Known: id, kind of place, label, length, text."
        for split in ("validation", "test")
    ]
