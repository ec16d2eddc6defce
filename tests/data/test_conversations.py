"""Conversations in every form that people keep them in, and what is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunewise.core.errors import InputError
from tunewise.data.column_guess import Wishes
from tunewise.data.conversations import (
    ANSWER,
    CONVERSATION,
    TURNS,
    Columns,
    conversation_columns,
    said,
    shaped,
)
from tunewise.data.inspect import look
from tunewise.data.study_template import write_study
from tunewise.studyfile.studyfile import read_study

ASKED, ANSWERED = "Where is Rome?", "In Italy."
USER, ASSISTANT = {"role": "user", "content": ASKED}, {"role": "assistant", "content": ANSWERED}


def made(row: dict[str, Any], columns: Columns | None = None) -> dict[str, Any]:
    splits = {"train": [{"id": "a", "_place": "t.jsonl:1", **row}]}
    (found,) = shaped(splits, columns or Columns())["train"]
    return found


FORMS: dict[str, tuple[dict[str, Any], Columns]] = {
    "messages": ({"messages": [USER, ASSISTANT]}, Columns()),
    "parts": (
        {"messages": [{**USER, "content": [{"type": "text", "text": ASKED}]}, ASSISTANT]},
        Columns(),
    ),
    "sharegpt": (
        {
            "conversations": [
                {"from": "human", "value": ASKED},
                {"from": "gpt", "value": ANSWERED},
            ]
        },
        Columns("conversations"),
    ),
    "json in a cell": ({"messages": json.dumps([USER, ASSISTANT])}, Columns()),
    "prompt": (
        {"prompt": ASKED, "completion": ANSWERED},
        Columns(prompt="prompt", completion="completion"),
    ),
    "conversational prompt": (
        {"prompt": [USER], "completion": [ASSISTANT]},
        Columns(prompt="prompt", completion="completion"),
    ),
    "alpaca": (
        {"instruction": ASKED, "input": "", "output": ANSWERED},
        Columns(prompt="instruction", input="input", completion="output"),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_recognised_and_comes_to_the_same_turns(form: str) -> None:
    row, columns = FORMS[form]
    assert conversation_columns(tuple(row), [row]) == columns
    found = made(row, columns)
    assert said(found[TURNS]) == (("user", ASKED), ("assistant", ANSWERED))
    assert (found[CONVERSATION], found[ANSWER]) == (ASKED, ANSWERED)


def test_what_a_study_of_classes_reads_is_no_conversation() -> None:
    rows = [{"text": "[a list]", "label": "b", "tags": ["x"], "answer": "c"}]
    assert conversation_columns(("text", "label", "tags", "answer"), rows) is None


def test_the_input_stands_behind_the_instruction() -> None:
    row = {"instruction": "Add.", "input": "1, 2", "output": "3"}
    found = made(row, Columns(prompt="instruction", input="input", completion="output"))
    assert found[CONVERSATION] == "Add.\n\n1, 2"


def test_what_is_said_behind_the_last_answer_is_left_out() -> None:
    found = made({"messages": [USER, ASSISTANT, {"role": "user", "content": "Thanks"}]})
    assert len(found[TURNS]) == 2


def test_a_row_to_be_answered_ends_with_what_the_user_says() -> None:
    (turn,) = Columns().asked({"id": "a", "messages": [USER, ASSISTANT]})
    assert turn == ("user", ASKED)
    pair = Columns(prompt="prompt", completion="completion")
    assert pair.asked({"id": "a", "prompt": ASKED}) == (("user", ASKED),)


@pytest.mark.parametrize(
    ("messages", "said_so"),
    [
        (None, "must be a list of"),
        ([], "must be a list of"),
        ("[no json", "is no JSON"),
        ([USER], "no turn of the assistant"),
        ([{"role": "user"}, ASSISTANT], "a turn has role and content"),
        ([USER, {"role": "asistant", "content": "x"}], "Did you mean 'assistant'?"),
        ([USER, {"role": "tool", "content": "x"}, ASSISTANT], "turn of a tool"),
        ([USER, {**ASSISTANT, "tool_calls": [{"id": 1}]}], "calls tools"),
        ([USER, {"role": "assistant", "content": " "}], "a turn of the assistant is empty"),
        ([USER, {"role": "assistant", "content": 3}], "is 3, not a text"),
        ([USER, USER, ASSISTANT], "two turns of the user in a row"),
        ([ASSISTANT, USER, ASSISTANT], "the assistant speaks before the user"),
        ([USER, {"role": "system", "content": "x"}, ASSISTANT], "it must be the first"),
        (
            [{"role": "user", "content": [{"type": "image_url"}]}, ASSISTANT],
            "other than text",
        ),
    ],
)
def test_what_is_no_conversation_is_told_with_its_place(messages: Any, said_so: str) -> None:
    with pytest.raises(InputError, match=r"t\.jsonl:1") as caught:
        made({"messages": messages})
    assert said_so in str(caught.value)


def test_rows_with_the_same_fault_are_told_together() -> None:
    rows = [{"id": str(at), "_place": f"t.jsonl:{at}", "messages": [USER]} for at in range(9)]
    with pytest.raises(InputError, match="So in 9 rows") as caught:
        shaped({"train": rows}, Columns())
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("form", FORMS)
def test_init_writes_a_study_of_them(form: str, tmp_path: Path) -> None:
    row, columns = FORMS[form]
    rows = [
        json.loads(json.dumps(row).replace("Rome", f"town number {at}, {at * 7}"))
        for at in range(60)
    ]
    (tmp_path / "talk.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in rows))
    guess = look("talk.jsonl", tmp_path, Wishes())
    assert guess.kind == "chat"
    (tmp_path / "study.yaml").write_text(write_study(guess))
    settings = read_study(tmp_path / "study.yaml")
    assert settings.task.reading.columns == columns.names
    assert [entry.method for entry in settings.methods] == ["untuned", "few-shot", "lora", "full"]
