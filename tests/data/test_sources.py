"""From settings to splits: cases 3 (columns), 42 (empty), 48 (paths, offline), and the ways in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tunewise.core.canonical import canonical
from tunewise.core.errors import InputError
from tunewise.data.cleaning.rules import CleanRules
from tunewise.data.settings import DataSettings, SplitRule
from tunewise.data.sources import Data, read_data

COLUMNS = ("text", "label")


def jsonl(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def reviews(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {"text": f"review {at}", "label": ("bad", "good")[at % 2]}
        for at in range(start, start + count)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    jsonl(tmp_path / "films" / "train.jsonl", reviews(20))
    jsonl(tmp_path / "films" / "dev.jsonl", reviews(6, 20))
    jsonl(tmp_path / "films" / "test.jsonl", reviews(6, 26))
    return tmp_path


def read(base: Path, wanted: Sequence[str] = COLUMNS, **settings: Any) -> Data:
    return read_data(DataSettings(**settings), wanted, base, label="label")


def fault(base: Path, wanted: Sequence[str] = COLUMNS, **settings: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(base, wanted, **settings)
    return str(caught.value)


# Ways in


def test_a_folder_is_read_with_places_and_ids(folder: Path) -> None:
    data = read(folder, source="films")
    assert {name: len(rows) for name, rows in data.splits.items()} == {
        "train": 20,
        "validation": 6,
        "test": 6,
    }
    assert data.splits["validation"][1] == {
        "text": "review 21",
        "label": "good",
        "id": "validation-1",
        "_place": "films/dev.jsonl:2",
    }
    assert len(data.facts["files"]["train"]["sha256"]) == 64
    canonical(data.facts)  # is JSON


def test_the_rows_do_not_depend_on_the_format(folder: Path) -> None:
    csv_lines = [f"{row['text']},{row['label']}" for row in reviews(20)]
    (folder / "films.csv").write_text("text,label\n" + "\n".join(csv_lines))
    (folder / "films.tsv").write_text(
        "text\tlabel\n" + "\n".join(line.replace(",", "\t") for line in csv_lines)
    )
    rule = SplitRule(validation=0.2, test=0.2)
    first = read(folder, source="films.csv", split=rule).splits
    second = read(folder, source="films.tsv", split=rule).splits
    for name in ("train", "validation", "test"):
        assert [(row["id"], row["text"]) for row in first[name]] == [
            (row["id"], row["text"]) for row in second[name]
        ]
    assert first["train"][0]["id"].startswith("row-")


def test_files_may_be_named_one_by_one(folder: Path) -> None:
    files = {"train": "films/train.jsonl", "validation": "films/dev.jsonl"}
    assert list(read(folder, files=files).splits) == ["train", "validation"]
    inside = {"validation": "dev.jsonl", "train": "train.jsonl"}
    assert list(read(folder, source="films", files=inside).splits) == ["train", "validation"]


def test_a_single_file_needs_a_rule(folder: Path) -> None:
    message = fault(folder, source="films/train.jsonl")
    assert "no validation split" in message
    assert "split: {train: 0.8, validation: 0.1, test: 0.1}" in message


def test_a_folder_without_validation_says_how_to_cut_one(folder: Path) -> None:
    (folder / "films" / "dev.jsonl").unlink()
    assert "Cut it from train: split: {validation: 0.1}" in fault(folder, source="films")
    assert list(read(folder, source="films", split=SplitRule(validation=0.2)).splits) == [
        "train",
        "validation",
        "test",
    ]


def test_a_folder_with_other_names_lists_them(tmp_path: Path) -> None:
    jsonl(tmp_path / "d" / "train_subset.jsonl", reviews(3))
    assert "data.files: {train: train_subset.jsonl}" in fault(tmp_path, source="d")


def test_label_names_lie_beside_the_data(folder: Path) -> None:
    (folder / "films" / "labels.txt").write_text("bad\ngood\n")
    assert read(folder, source="films").names == ("bad", "good")


def test_paths_with_blanks_and_other_letters_are_read(tmp_path: Path) -> None:  # case 48
    jsonl(tmp_path / "Ÿ b ü" / "train é.jsonl", reviews(9))
    rule = SplitRule(validation=0.4)
    assert read(tmp_path, source="Ÿ b ü/train é.jsonl", split=rule).splits["train"]


# What does not exist


def test_a_missing_path_offers_the_nearest_name(folder: Path) -> None:
    assert "Did you mean 'films'?" in fault(folder, source="./filsm")
    assert "Did you mean 'train.jsonl'?" in fault(folder, source="films/tran.jsonl")
    assert "Did you mean 'dev.jsonl'?" in fault(folder, files={"train": "films/dv.jsonl"})


@pytest.mark.parametrize(
    "source", ["nothing.csv", "./a", "../a/b", "/a/b", "~/a", "a/b/c", "films/x", "fims", "a b"]
)
def test_what_looks_like_a_path_is_never_sent_to_a_hub(folder: Path, source: str) -> None:
    assert "does not exist" in fault(folder, source=source)


def test_a_web_address_is_distinguished_from_a_hub_id(tmp_path: Path) -> None:
    message = fault(tmp_path, source="https://huggingface.co/datasets/SetFit/sst5")
    assert "a hub id is only 'SetFit/sst5'" in message


def test_settings_of_a_hub_are_refused_elsewhere(folder: Path) -> None:
    assert "data.revision" in fault(folder, source="films", revision="main")
    assert "data.config" in fault(folder, source="films/dev.jsonl", config="x")
    assert "data.files" in fault(folder, source="films/dev.jsonl", files={"train": "x.csv"})


# Case 3


def test_a_missing_column_offers_the_nearest_name(folder: Path) -> None:
    message = fault(folder, ("txt", "label"), source="films")
    assert (
        "films/train.jsonl: has no column 'txt'. Did you mean 'text'? Known: label, text."
        in message
    )
    assert "films/dev.jsonl: has no column 'txt'" in message
    assert "data.columns: {txt: <name>}" in message


def test_columns_can_be_renamed(tmp_path: Path) -> None:
    rows = [{"sentence": f"s {at}", "label": "x", "text": "other"} for at in range(5)]
    jsonl(tmp_path / "d.jsonl", rows)
    rename = {"text": "sentence"}
    data = read(tmp_path, source="d.jsonl", columns=rename, split=SplitRule(validation=1))
    assert data.splits["validation"][0]["text"].startswith("s ")
    swapped = {"text": "sentence", "sentence": "text"}
    data = read(tmp_path, source="d.jsonl", columns=swapped, split=SplitRule(validation=1))
    assert data.splits["validation"][0]["sentence"] == "other"
    assert "data.columns.text" in fault(tmp_path, source="d.jsonl", columns={"text": "body"})


def test_a_missing_header_is_named_where_columns_are_missing(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("what a long and boring film,0\nfine,1\n")
    assert "Line 1 seems to be data" in fault(tmp_path, source="d.csv")


def test_rows_that_lack_a_text_are_named(tmp_path: Path) -> None:
    jsonl(tmp_path / "d.jsonl", [{"text": "a", "label": 1}, {"label": 0}, {"label": 0}])
    message = fault(tmp_path, source="d.jsonl")
    assert "d.jsonl:2: no 'text' here; 2 rows lack it (d.jsonl:2, d.jsonl:3). " in message
    assert "data.clean: {empty: drop}" in message
    kept = [{"text": f"a {at}", "label": at % 2} for at in range(4)]
    jsonl(tmp_path / "d.jsonl", [*kept, {"label": 1}, {"label": 0}])
    rules, half = CleanRules(empty="drop"), SplitRule(validation=0.5)
    left = read(tmp_path, source="d.jsonl", clean=rules, split=half)
    assert len(left.removed) == 2
    assert sum(map(len, left.splits.values())) == 4


# Case 37


def test_ids_of_the_data_are_kept_as_text(tmp_path: Path) -> None:
    rows = [{"id": name, **row} for name, row in zip(["007", 2**60, "x"], reviews(3), strict=True)]
    jsonl(tmp_path / "d.jsonl", rows)
    splits = read(tmp_path, source="d.jsonl", split=SplitRule(validation=1)).splits
    ids = {row["id"] for rows in splits.values() for row in rows}
    assert ids == {"007", "1152921504606846976", "x"}


@pytest.mark.parametrize("value", [1e5, True, None, "", ["a"]])
def test_unusable_ids_are_refused_with_their_place(tmp_path: Path, value: Any) -> None:
    jsonl(tmp_path / "d.jsonl", [{"id": "a", **reviews(1)[0]}, {"id": value, **reviews(1)[0]}])
    assert "d.jsonl:2: " in fault(tmp_path, source="d.jsonl")


# Cases 2 and 4: dropping, counted


def test_rows_without_a_label_can_be_dropped_and_are_counted(folder: Path) -> None:
    rows = [*reviews(4), {"text": "no label", "label": None}, {"text": "no key"}]
    jsonl(folder / "films" / "train.jsonl", rows)
    data = read(folder, source="films", on_missing_label="drop")
    assert data.facts["dropped_without_label"] == {"train": 2, "validation": 0, "test": 0}
    assert "train: 2 rows without a label were dropped." in data.notes
    assert len(data.splits["train"]) == 4
    assert len(read(folder, source="films").splits["train"]) == 6


def test_a_test_split_published_without_labels_is_left_out(folder: Path) -> None:
    jsonl(folder / "films" / "test.jsonl", [{"text": "a", "label": ""}])
    data = read(folder, source="films", on_missing_label="drop")
    assert list(data.splits) == ["train", "validation"]


def test_labels_that_train_lacks_can_be_dropped_and_are_counted(folder: Path) -> None:
    jsonl(folder / "films" / "dev.jsonl", [*reviews(4), {"text": "odd", "label": "odd"}])
    data = read(folder, source="films", on_unseen_label="drop")
    assert data.facts["dropped_unseen_label"]["validation"] == 1
    assert len(data.splits["validation"]) == 4


# Case 42


def test_a_split_without_rows_is_refused(folder: Path) -> None:
    (folder / "films" / "dev.jsonl").write_text("\n")
    assert "films/dev.jsonl: the file is empty." in fault(folder, source="films")
    jsonl(folder / "films" / "dev.jsonl", [{"text": "a", "label": None}])
    message = fault(folder, source="films", on_missing_label="drop")
    assert "the validation split has no rows" in message


def test_problems_of_several_files_are_reported_together(folder: Path) -> None:
    (folder / "films" / "dev.jsonl").write_text("{\n")
    (folder / "films" / "test.jsonl").write_bytes(b"\xff\xfe")
    message = fault(folder, source="films")
    assert "films/dev.jsonl:1" in message
    assert "films/test.jsonl" in message


def test_rule_and_limit_together(folder: Path) -> None:
    data = read(
        folder, source="films/train.jsonl", split=SplitRule(validation=6, train=10), limit=4
    )
    assert [len(rows) for rows in data.splits.values()] == [4, 4]
    assert data.facts["unused"] == 4
    assert data.facts["read"] == {"train": 20}


# Embedded


def test_embedded_data_is_read_like_any_other(tmp_path: Path) -> None:
    data = read(tmp_path, source="embedded:reviews", limit=30)
    assert [len(rows) for rows in data.splits.values()] == [30, 30, 30]
    assert data.splits["train"][0]["_place"].startswith("embedded:reviews train[")
    assert data.names is not None
    assert {row["label"] for row in data.splits["train"]} == set(data.names)
    assert "Did you mean 'reviews'?" in fault(tmp_path, source="embedded:review")
