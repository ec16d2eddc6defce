"""Folders of ``save_to_disk``, and names that no file system takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import pytest

from tunewise.core.errors import InputError
from tunewise.data.cleaning.combine import TextRules
from tunewise.data.images import image_bytes
from tunewise.data.inspect import look
from tunewise.data.prediction_input import read_inputs
from tunewise.data.settings import DataSettings, SplitRule
from tunewise.data.sources import Data, read_data

FEATURES = datasets.Features(
    {
        "text": datasets.Value("string"),
        "label": datasets.ClassLabel(names=["neg", "pos"]),
        "tags": datasets.Sequence(datasets.Value("string")),
    }
)


def rows(split: str, count: int) -> datasets.Dataset:
    return datasets.Dataset.from_dict(
        {
            "text": [f"{split} room {at} was quite fine" for at in range(count)],
            "label": [at % 2 for at in range(count)],
            "tags": [["a", "b"]] * count,
        },
        features=FEATURES,
    )


def read(base: Path, **settings: Any) -> Data:
    asked = DataSettings(**{"source": "saved", **settings})
    return read_data(asked, ["text", "label"], base, label="label")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    datasets.disable_progress_bars()
    splits = {"train": rows("train", 40), "validation": rows("validation", 10)}
    splits["test"] = rows("test", 30).filter(lambda row: row["label"] == 0)  # by indices
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "saved", num_shards={"train": 3})
    return tmp_path


def test_a_saved_dict_is_read_with_its_splits_and_class_names(saved: Path) -> None:
    data = read(saved)
    assert data.names == data.own == ("neg", "pos")
    assert {name: len(part) for name, part in data.splits.items()} == {
        "train": 40,
        "validation": 10,
        "test": 15,
    }
    loaded = datasets.load_from_disk(saved / "saved")
    for name, part in data.splits.items():
        assert [{key: row[key] for key in FEATURES} for row in part] == list(loaded[name])
    assert data.splits["test"][1]["_place"] == "saved/test[1]"
    assert len(data.facts["sha256"]["train"]) == 3


def test_a_saved_dataset_is_one_table_to_be_cut(tmp_path: Path) -> None:
    rows("one", 40).save_to_disk(tmp_path / "saved")
    assert "Cut the file" in fault(tmp_path)
    data = read(tmp_path, split=SplitRule(validation=0.2))
    assert len(data.splits["train"]) == 32
    guess = look("saved", tmp_path)
    assert (guess.texts, guess.label, guess.options) == (("text",), "label", ("neg", "pos"))


def test_splits_of_other_names_are_given(saved: Path) -> None:
    files = {"train": "test", "validation": "validation"}
    assert len(read(saved, files=files).splits["train"]) == 15
    assert "has no split 'dev'" in fault(saved, files={"train": "train", "validation": "dev"})


def fault(base: Path, **settings: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(base, **settings)
    return str(caught.value)


def test_what_is_damaged_or_elsewhere_is_refused(saved: Path) -> None:
    state = saved / "saved" / "train" / "state.json"
    sound = state.read_text()
    name = json.loads(sound)["_data_files"][0]["filename"]
    for other in ("../test/x.arrow", "/etc/passwd", "..", ""):
        state.write_text(sound.replace(name, other))
        assert "saved/train: '_data_files' does not list names in this folder" in fault(saved)
    for broken in ("{", "[]", "3", "[" * 100_000):
        state.write_text(broken)
        assert fault(saved).startswith("saved/train")
    state.write_text(sound)
    arrow = saved / "saved" / "train" / name
    arrow.write_bytes(arrow.read_bytes()[:-200])
    assert f"saved/train/{name}: cannot be read as Arrow" in fault(saved)
    arrow.unlink()
    assert f"saved/train/{name}: cannot be read as Arrow" in fault(saved)


@pytest.mark.parametrize("name", ["a" * 300, "a" * 300 + ".csv", "b/" * 3000, "~nobody-here/x.csv"])
def test_names_that_no_file_can_have_are_reported(tmp_path: Path, name: str) -> None:
    message = fault(tmp_path, source=name)
    assert "cannot be read (File name too long)" in message or "does not exist" in message
    assert len(message) < 200
    assert name[:9] in fault(tmp_path, source=None, files={"train": name})
    with pytest.raises(InputError, match=r"too long|no such image"):
        image_bytes(name, tmp_path)
    if not name.startswith("~"):
        with pytest.raises(InputError, match="too long"):
            read_inputs(tmp_path / name, name, ["text"], rules=TextRules())


def test_what_is_no_regular_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "d.csv").mkdir()
    assert "'d.csv' is a folder" in fault(tmp_path, source=None, files={"train": "d.csv"})
    assert "'/dev/zero' is no regular file" in fault(tmp_path, source="/dev/zero")
