"""What people give in the place of a study file is recognized, and they are told what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunewise.core.errors import InputError
from tunewise.studyfile.studyfile import read_study

STUDY = {
    "name": "toy",
    "task": {"kind": "classification", "text": "text", "label": "label"},
    "data": {"source": "reviews.csv"},
    "methods": ["majority"],
}
TABLE = b'text,label\na fine room,good\n"cold, and small",bad\n'
SQUAD = {"version": "1.1", "data": [{"title": "x", "paragraphs": []}]}
NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
INIT = "tunewise init "

GIVEN: dict[str, tuple[str, bytes, list[str]]] = {
    "a table": ("reviews.csv", TABLE, ["data (.csv)", INIT]),
    "a table with another name": ("reviews.txt", TABLE, ["a table with columns", INIT]),
    "a table named like a study": ("reviews.yaml", TABLE, ["a table with columns", INIT]),
    "a table of a spreadsheet": ("a", b"text;label\nfine;good\ncold;bad\n", ["a table", INIT]),
    "a table with tabs": ("a", b"text\tlabel\nfine\tgood\n", ["a table", INIT]),
    "lines of JSON": ("a.jsonl", b'{"text": "x", "label": 1}\n' * 2, ["data (.jsonl)", INIT]),
    "rows in JSON": ("a.json", json.dumps([{"text": "x"}] * 3).encode(), ["3 rows", INIT]),
    "questions": ("train.json", json.dumps(SQUAD).encode(), ["1 rows of data", INIT]),
    "Parquet": ("a.parquet", b"PAR1\0\0\0\0", ["data (.parquet)", INIT]),
    "Parquet with another name": ("a", b"PAR1\0\0\0\0PAR1", ["a Parquet file"]),
    "a spreadsheet": ("a.xlsx", b"PK\x03\x04\0\0", ["data (.xlsx)", INIT]),
    "an archive": ("a", b"PK\x03\x04\0\0", ["a zip archive, as spreadsheets are"]),
    "a notebook": ("a.ipynb", json.dumps(NOTEBOOK, indent=1).encode(), ["a notebook"]),
    "a binary": ("model.safetensors", b"\x08\0\0\0\0\0\0\0{}", ["a binary file"]),
    "nothing": ("study.yaml", b"", ["found nothing", "name, task, data and methods"]),
    "blanks": ("study.yaml", b" \n\n", ["found nothing"]),
    "UTF-16": ("study.yaml", "name: x\n".encode("utf-16"), ["Save the file as UTF-8"]),
    "prose": ("README.md", b"# A study\n\nOf reviews, mostly.\n", ["name, task, data"]),
}


def complaint(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_study(path)
    return str(caught.value)


@pytest.mark.parametrize("case", GIVEN)
def test_what_is_no_study_file_is_called_what_it_is(case: str, tmp_path: Path) -> None:
    name, content, words = GIVEN[case]
    (tmp_path / name).write_bytes(content)
    message = complaint(tmp_path / name)
    assert all(word in message for word in words), message
    assert len(message.splitlines()) == 1
    assert (INIT in message) == (INIT in words)


@pytest.mark.parametrize("indent", [None, 1, "\t"])
def test_a_study_in_json_is_a_study(indent: str | int | None, tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    path.write_text(json.dumps(STUDY, indent=indent))
    assert read_study(path).name == "toy"


def test_a_study_file_may_have_blanks_in_its_name(tmp_path: Path) -> None:
    path = tmp_path / "my study (2).yaml"
    path.write_text(json.dumps(STUDY))
    assert read_study(path).name == "toy"


@pytest.mark.parametrize("line", ["seeds: [1, 2, 3]", "models: [a, b]", "name: a, b"])
def test_a_study_file_with_commas_is_no_table(line: str, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(f"{line}\nkeep: [all, none]\n# x, y, z\n")
    assert "table" not in complaint(path)


def test_a_line_longer_than_any_cell_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(f"name: x\nkeep: {'y' * 200_000}\n")
    assert "table" not in complaint(path)


def test_the_folder_of_a_study_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text("{}")
    (tmp_path / "study.yaml").write_text("name: x\n")
    message = complaint(tmp_path)
    assert f"tunewise run FILE --out {tmp_path}" in message
    assert f"tunewise status {tmp_path}" in message


def test_a_folder_with_a_study_file_offers_it(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: x\n")
    assert f"Did you mean '{tmp_path / 'mine.yaml'}'?" in complaint(tmp_path)


def test_a_folder_of_data_is_one_for_init(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_bytes(TABLE)
    assert f"tunewise init {tmp_path}" in complaint(tmp_path)


def test_a_name_that_is_nearly_there_is_offered(tmp_path: Path) -> None:
    (tmp_path / "reviews.yaml").write_text("name: x\n")
    assert "no such file. Did you mean 'reviews.yaml'?" in complaint(tmp_path / "review.yaml")


def test_hidden_files_are_no_studies(tmp_path: Path) -> None:
    for name in (".pre-commit-config.yaml", "study.yaml"):
        (tmp_path / name).write_text("a: 1\n")
    assert complaint(tmp_path / "other.yaml").endswith("Known: study.yaml.")
    (tmp_path / "study.yaml").unlink()
    assert "tunewise init" in complaint(tmp_path / "other.yaml")
    assert "pre-commit" not in complaint(tmp_path)


@pytest.mark.parametrize("name", ["a" * 300, "a\0b", "reviews.csv/study.yaml"])
def test_what_can_be_no_file_is_stated_in_a_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_bytes(TABLE)
    assert "cannot be read" in complaint(tmp_path / name)
