"""Question answering at the command line before any training: drafts, and data that are wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.tasks.conftest import questions, save_writer, write_rows

from tunewise.cli.main import main

Validate = Callable[..., tuple[int, str]]
STUDY = """
name: rooms
task: {{kind: question-answering, max_new_tokens: 8}}
data: {{source: data}}
models: ["{model}"]
methods: [{{lora: {{rank: 2, targets: attention}}}}]
training: {{epochs: 1, learning_rate: null, max_length: {limit}}}
"""


def nested(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows as the official SQuAD file nests them."""
    paragraphs = []
    for row in rows:
        texts, starts = row["answers"].values()
        answers = [
            {"text": text, "answer_start": start} for text, start in zip(texts, starts, strict=True)
        ]
        asked = {"id": row["id"], "question": row["question"], "answers": answers}
        paragraphs.append({"context": row["context"], "qas": [asked]})
    return {"version": "1.1", "data": [{"title": "Rooms", "paragraphs": paragraphs}]}


@pytest.mark.parametrize("name", ["rooms.jsonl", "rooms.json"])
def test_init_drafts_a_study_that_validates(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    writer: Path,
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = questions(200, 0)
    write_rows(tmp_path / "rooms.jsonl", rows)
    (tmp_path / "rooms.json").write_text(json.dumps(nested(rows)))
    smaller = ("--set", f"models=[{writer}]", "--set", "training.max_length=200")
    for words in (("init", name), ("validate", "rooms.yaml", *smaller)):
        monkeypatch.setattr(sys, "argv", ["tunewise", *words])
        try:
            main()
        except SystemExit as ended:
            assert not ended.code, capsys.readouterr().err
    assert "kind: question-answering" in (tmp_path / "rooms.yaml").read_text()
    assert "Rows: 120 train, 40 validation, 40 test." in " ".join(capsys.readouterr().out.split())


@pytest.fixture
def validate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Validate:
    """`validate(model, wrong=3)`: the exit code, and all that is said, as one line."""
    monkeypatch.chdir(tmp_path)

    def call(model: Path, *, limit: int = 160, **changed: Any) -> tuple[int, str]:
        (tmp_path / "data").mkdir()
        for number, (split, count) in enumerate({"train": 300, "validation": 20}.items()):
            rows = questions(count, number)
            for row in rows[: changed.get(split, 0)]:
                row["answers"]["answer_start"] = [1]
            for row in rows if "longer" in changed else ():
                row["question"] = row["question"].replace("?", " now" * changed["longer"] + "?")
            write_rows(tmp_path / "data" / f"{split}.jsonl", rows)
        (tmp_path / "study.yaml").write_text(STUDY.format(model=model, limit=limit))
        monkeypatch.setattr(sys, "argv", ["tunewise", "validate", "study.yaml"])
        code: Any = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        message = capsys.readouterr()
        assert "Traceback" not in message.err
        return int(code), " ".join(f"{message.out} {message.err}".split())

    return call


def test_many_answers_out_of_place_are_an_error_with_their_ids(
    validate: Validate, writer: Path
) -> None:
    code, message = validate(writer, train=4)
    assert code == 2
    assert "the answer of 4 rows (1.3%) does not stand in its 'context'" in message
    assert "ids 0-0, 0-1, 0-2" in message


def test_few_are_dropped_and_counted(validate: Validate, writer: Path) -> None:
    code, message = validate(writer, train=3)
    assert code == 0, message
    assert "the answer of 3 rows (1.0%)" in message
    assert "dropped" in message
    assert "Rows: 297 train, 20 validation" in message


def test_contexts_that_are_cut_are_counted(validate: Validate, writer: Path) -> None:
    """The answer of a training example stays; see test_question_answering for where it is cut."""
    code, message = validate(writer, limit=90)
    assert code == 0, message
    assert "validation: 100.0% of the texts are longer than 90 tokens and will be cut" in message
    assert "no supervised token" not in message


def test_examples_without_a_supervised_token_are_an_error(validate: Validate, writer: Path) -> None:
    code, message = validate(writer, limit=90, longer=20)
    assert code == 2
    assert "no supervised token in 300 of 300 training examples" in message
    assert "do not fit in 90 tokens. Raise it." in message


def test_a_tokenizer_without_padding_and_end_is_an_error(
    validate: Validate, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    save_writer(model)
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        path = model / name
        if path.is_file():
            kept = json.loads(path.read_text())
            for token in ("eos_token", "bos_token", "pad_token"):
                kept.pop(token, None)
            path.write_text(json.dumps(kept))
    code, message = validate(model)
    assert code == 2
    assert "has neither a padding nor an end token; set pad_token" in message
