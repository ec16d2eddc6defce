"""What was converted elsewhere is scored as the trained contender was."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from safetensors.torch import load_file, save_file
from tests.cli.test_predict import stored
from tests.proofs import proven_here

from tunewise.cli.export import As, command
from tunewise.cli.measure import measure
from tunewise.core.errors import InputError
from tunewise.results import StudyResults

LABELS = ("no", "yes")
Write = Callable[..., Path]


@pytest.fixture
def answers(finished: Path, tmp_path: Path) -> Write:
    """`answers(wrong=3)`: a file of LoRA's answers to the test split, of which so many differ."""

    def write(*, wrong: int = 0, rows: int | None = None, name: str = "answers.csv") -> Path:
        path = tmp_path / name
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "prediction"])
            for number, row in enumerate(reversed(stored(finished, "lora")[:rows])):
                choice = row["choice"] if number >= wrong else 1 - row["label"]
                writer.writerow([row["id"], LABELS[choice]])
        return path

    return write


def test_the_same_answers_in_another_order_are_the_same(
    finished: Path, answers: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    command(finished, contender="lora", measured=answers())
    said = capsys.readouterr().out
    assert said.startswith("answers.csv against lora, as it was trained:\n")
    assert "accuracy on 60 test examples: +0.0 against the trained model (95 % " in said
    assert "100.0 % of the answers are the same.\n" in said


def test_what_is_worse_by_more_than_the_margin_ends_with_exit_code_1(
    finished: Path, answers: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    worse = answers(wrong=20)
    with pytest.raises(typer.Exit) as ended:
        command(finished, contender="lora", measured=worse)
    assert ended.value.exit_code == 1
    found = re.search(r"accuracy on 60 test examples: (−[\d.]+) .*\(95 % ", capsys.readouterr().out)
    assert found
    command(finished, contender="lora", measured=worse, accept_loss=True)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"rows": 50}, "lacks 10 examples of the test split: "),
        ({"name": "model.pkl"}, "is not measured"),
        ({"name": "model.gguf"}, "a contender that writes its answers"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    finished: Path, answers: Write, made: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        command(finished, contender="lora", measured=answers(**made))


def test_answers_that_are_no_class_are_refused(finished: Path, answers: Write) -> None:
    path = answers()
    path.write_text(path.read_text().replace("yes", "ja").replace("no", "nein"))
    with pytest.raises(InputError, match="no prediction is one of the labels"):
        command(finished, contender="lora", measured=path)


def test_an_onnx_file_answers_as_the_contender_did(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The adapter is folded in; the file is measured where it was made, and again as a stranger."""
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    command(finished, tmp_path / "onnx", As.onnx, contender="lora")
    capsys.readouterr()
    command(finished, contender="lora", measured=tmp_path / "onnx" / "model.onnx")
    said = capsys.readouterr().out
    assert "100.0 % of the answers are the same; probabilities differ by" in said
    assert "Batch 1: " in said
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(InputError, match="onnxruntime does not load it"):
        command(finished, contender="lora", measured=tmp_path / "broken.onnx")


@pytest.mark.filterwarnings("ignore")  # PEFT warns freely
def test_an_exported_folder_answers_as_the_contender_did_until_its_weights_change(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with proven_here():
        command(finished, tmp_path / "folder", contender="lora", merge=True)
    capsys.readouterr()
    command(finished, contender="lora", measured=tmp_path / "folder")
    said = capsys.readouterr().out
    assert "accuracy on 60 test examples: +0.0 " in said
    assert "100.0 % of the answers are the same; probabilities differ by" in said
    (path,) = (tmp_path / "folder").glob("*.safetensors")
    rounded = {name: one.to(torch.float8_e5m2).float() for name, one in load_file(path).items()}
    save_file(rounded, path, metadata={"format": "pt"})
    _, found = measure(StudyResults(finished), "lora", tmp_path / "folder")
    assert found.largest is not None and found.largest > 1e-3
