"""Answering texts with what a study trained."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.commands import Run

from tunewise.cli.predict import command
from tunewise.core.errors import InputError
from tunewise.results import StudyResults
from tunewise.studies.chosen import chosen_ids


def stored(finished: Path, name: str) -> list[dict[str, Any]]:
    """What the sealed test of a contender's first seed answered."""
    folder = StudyResults(finished).folder
    study = folder.study()
    row = next(row for row in study.contenders if row.name == name)
    id = chosen_ids(study, row, folder.records())[0]
    path = folder.test_folder(id) / "predictions" / "test.parquet"
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


@pytest.fixture
def inside(finished: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the data and of ``runs/small``, as the working directory."""
    monkeypatch.chdir(place)
    return place


@pytest.mark.parametrize("name", ["majority", "tfidf", "head", "lora", "full"])
def test_the_test_split_is_answered_as_when_it_was_sealed(
    inside: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    command(Path("runs/small"), input=Path("data/test.csv"), contender=name)
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    expected = stored(inside / "runs" / "small", name)
    assert [answer["label"] for answer in answers] == [
        ("no", "yes")[row["choice"]] for row in expected
    ]
    for answer, row in zip(answers, expected, strict=True):
        assert list(answer["probabilities"].values()) == pytest.approx(
            row["probabilities"], abs=1e-6
        )


def test_the_best_answers_a_text(finished: Path, place: Path, tunewise: Run) -> None:
    ran = tunewise("predict", "runs/small", "--text", "good good room bed", cwd=place)
    assert ran.returncode == 0, ran.stderr
    (answer,) = map(json.loads, ran.stdout.splitlines())
    assert set(answer) == {"id", "label", "probabilities"}
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert f"{StudyResults(finished).verdict.best} answers" in ran.stderr


def test_files_of_every_form_say_the_same(inside: Path, tmp_path: Path) -> None:
    """Ids come through, and no cell of a CSV is a formula."""
    source = tmp_path / "in.jsonl"
    rows = [{"id": "=1+1", "text": "good good"}, {"id": "b", "text": ""}]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for ending in ("jsonl", "csv", "parquet"):
        out = tmp_path / f"out.{ending}"
        command(Path("runs/small"), input=source, contender="tfidf", out=out)
    (first, second) = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    with (tmp_path / "out.csv").open() as file:
        cells = list(csv.DictReader(file))
    table = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["id"] for row in cells] == ["'=1+1", "b"]
    assert [row["id"] for row in table] == ["=1+1", "b"]
    for answer, cell, row in zip((first, second), cells, table, strict=True):
        assert answer["label"] == cell["label"] == row["label"]
        yes = answer["probabilities"]["yes"]
        assert yes == float(cell["probability yes"]) == row["probability yes"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "give either --input FILE or --text TEXT"),
        ({"text": ["a", "b"]}, "this study reads text"),
        ({"text": ["a"], "contender": "lorra"}, "Did you mean 'lora'?"),
        ({"input": Path("data/tets.csv")}, "Did you mean 'test.csv'?"),
        ({"input": Path("other.csv")}, "other.csv: has no column 'text'. Did you mean 'txt'?"),
        ({"input": Path("null.jsonl")}, "null.jsonl:1: 'text' is None; a text is needed."),
        ({"text": ["a"], "out": Path("x.xlsx")}, "'.xlsx' files are not written"),
        ({"input": Path("data/test.csv"), "out": Path("data/test.csv")}, "is the input"),
        ({"text": ["a"], "out": Path("data/train.csv")}, "--force"),
    ],
)
def test_a_mistake_is_reported_in_words(inside: Path, asked: dict[str, Any], message: str) -> None:
    (inside / "other.csv").write_text("id,txt\n1,good\n")
    (inside / "null.jsonl").write_text('{"text": null}\n')
    with pytest.raises(InputError) as error:
        command(Path("runs/small"), **asked)
    assert message in str(error.value)


def test_removed_weights_are_named_with_who_has_any(finished: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    folder = StudyResults(copy).folder
    study = folder.study()
    row = next(row for row in study.contenders if row.name == "lora")
    folder.remove_weights(chosen_ids(study, row, folder.records())[0], "to save space")
    with pytest.raises(InputError) as error:
        command(copy, text=["a"], contender="lora")
    assert "the weights of 'lora' were removed (to save space)" in str(error.value)
    assert "There are weights of majority, tfidf, head, full." in str(error.value)
    assert "--set keep=all" in str(error.value)
