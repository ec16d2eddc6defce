"""Class names that columns bring: a number means the name in its own file's list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.core.errors import InputError
from tunewise.data.class_names import agreed
from tunewise.data.labels import resolve
from tunewise.data.settings import DataSettings
from tunewise.data.sources import read_data
from tunewise.data.table import PLACE, Table

NAMES = st.lists(st.sampled_from(["a", "b", "c", "0", "1", "10"]), min_size=1, unique=True)


def table(names: Sequence[str] | None, numbers: Sequence[int | None]) -> Table:
    rows = [{"label": number, PLACE: f"x[{at}]"} for at, number in enumerate(numbers)]
    return Table(("label",), rows, names={} if names is None else {"label": tuple(names)})


@given(st.lists(NAMES, min_size=1, max_size=3))
def test_every_number_keeps_the_name_of_its_own_list(lists: list[list[str]]) -> None:
    tables = {str(at): table(names, [*range(len(names)), None]) for at, names in enumerate(lists)}
    after = agreed(tables)
    together = {one.names["label"] for one in after.values()}
    assert len(together) == 1
    options = together.pop()
    for names, one in zip(lists, after.values(), strict=True):
        assert [options[row["label"]] for row in one.rows[:-1]] == names
        assert one.rows[-1]["label"] is None
    assert after["0"].rows == tables["0"].rows
    assert bool(after["0"].notes) == (len({tuple(names) for names in lists}) > 1)


def test_numbers_without_a_list_are_refused_where_the_others_differ() -> None:
    lists = {"train": table(["a", "b"], [0]), "test": table(["b", "a"], [0])}
    with pytest.raises(InputError, match=r"train: a, b; test: b, a.*numbers without a list"):
        agreed({**lists, "validation": table(None, [1])})
    same = {"train": table(["a", "b"], [0]), "validation": table(None, [1])}
    assert agreed(same) == same


def test_a_number_beyond_its_own_list_is_refused() -> None:
    with pytest.raises(InputError, match=r"x\[1\]: 'label' is 2, and there are 2 class names"):
        agreed({"train": table(["a", "b"], [0]), "test": table(["b", "a"], [0, 2])})


def written(path: Path, names: Sequence[str], labels: Sequence[str]) -> None:
    rows = pa.table(
        {
            "text": [f"{path.stem} {at}" for at in range(len(labels))],
            "label": [names.index(label) for label in labels],
        }
    )
    features = {"label": {"names": list(names), "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(rows.replace_schema_metadata(metadata), path)


@pytest.mark.parametrize("names", [["a", "b", "c"], ["0", "10", "2"]])
def test_splits_with_lists_of_another_order_are_read_as_they_mean(
    tmp_path: Path, names: list[str]
) -> None:
    written(tmp_path / "train.parquet", names, names * 2)
    written(tmp_path / "validation.parquet", names[::-1], names)
    written(tmp_path / "test.parquet", [names[1], names[0], names[2]], names)
    data = read_data(DataSettings(source="."), ["text", "label"], tmp_path, label="label")
    labels = resolve(data.splits, "label", found=data.names, own=data.own)
    for rows in data.splits.values():
        message = [labels.options[labels.position(row["label"])] for row in rows]
        assert message == names * (len(rows) // 3)
    assert any(
        "lists its" in note or "each split is read by its own" in note for note in data.notes
    )
