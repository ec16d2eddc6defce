"""Right answers inside a text: their forms, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunewise.core.errors import InputError
from tunewise.data.readers.files import read_file
from tunewise.data.spans import first_start, settled_answers
from tunewise.data.table import PLACE, Row

CONTEXT = "Denver won. Then Denver lost."


def row(number: int, answers: Any, context: str = CONTEXT) -> Row:
    return {"id": f"q{number}", "context": context, "answers": answers, PLACE: f"a.jsonl:{number}"}


def settle(rows: list[Row]) -> tuple[list[Row], dict[str, Any], list[str]]:
    splits, facts, notes = settled_answers({"train": rows}, context="context", answers="answers")
    return splits["train"], facts["train"], notes


GOOD: dict[str, list[Any]] = {"text": ["Denver", "Denver won"], "answer_start": [17, 0]}


@pytest.mark.parametrize(
    ("given", "formed"),
    [
        (GOOD, GOOD),
        ("lost", {"text": ["lost"], "answer_start": [None]}),
        (["lost", "won"], {"text": ["lost", "won"], "answer_start": [None, None]}),
        ({"text": ["won"]}, {"text": ["won"], "answer_start": [None]}),
        ({"text": [], "answer_start": []}, {"text": [], "answer_start": []}),
        ([], {"text": [], "answer_start": []}),
        ("", {"text": [""], "answer_start": [None]}),
    ],
)
def test_answers_of_every_form_become_one(given: Any, formed: Any) -> None:
    rows, facts, notes = settle([row(1, given)])
    assert rows[0]["answers"] == formed
    assert notes == []
    assert facts["without_answer"] == (not any(formed["text"]))


@pytest.mark.parametrize(
    "given", [None, 3, {"text": "Denver"}, {"text": ["x"], "answer_start": []}, [1], {"a": []}]
)
def test_another_form_is_an_error_with_its_place(given: Any) -> None:
    with pytest.raises(InputError, match=r"a\.jsonl:7: .*it must be"):
        settle([row(7, given)])


WRONG = [
    {"text": ["Boston"], "answer_start": [0]},  # not there
    {"text": ["Denver"], "answer_start": [1]},  # elsewhere
    {"text": ["Denver"], "answer_start": [-12]},  # would count from the end
    {"text": ["Denver", "Boston"], "answer_start": [0, 3]},  # one of two
    "Boston",
]


@pytest.mark.parametrize("wrong", WRONG)
def test_few_answers_out_of_place_are_dropped_and_counted(wrong: Any) -> None:
    rows = [row(number, GOOD) for number in range(100)] + [row(100, wrong)]
    kept, facts, notes = settle(rows)
    assert len(kept) == 100
    assert facts["dropped_answers"] == ["q100"]
    assert "1 row (1.0%)" in notes[0]
    assert "q100" in notes[0]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("denver", "'denver' stands there as 'Denver'. Write answers as their contexts do."),
        ("DENVER  won", "'DENVER  won' stands there as 'Denver won'."),
        ("Cafe\u0301", "stands there as 'Caf\u00e9'"),
        ("Boston", "'Boston' is not in it."),
        ({"text": ["Denver"], "answer_start": [1]}, "at its answer_start 1 stands 'enver '"),
        ({"text": ["Denver"], "answer_start": [-1]}, "answer_start -1 lies before the text"),
    ],
)
def test_an_answer_out_of_place_is_shown_with_what_stands_there(answer: Any, message: str) -> None:
    row = {"id": "q", "context": "Denver won at the Caf\u00e9.", "answers": answer, "_place": "a:1"}
    with pytest.raises(InputError) as caught:
        settled_answers({"train": [row]}, context="context", answers="answers")
    text = str(caught.value)
    assert message in text
    assert ("answer_start" in text) == isinstance(answer, dict)


@pytest.mark.parametrize("wrong", WRONG)
def test_many_are_an_error_with_their_ids(wrong: Any) -> None:
    rows = [row(number, GOOD) for number in range(40)] + [row(40, wrong), row(41, wrong)]
    with pytest.raises(InputError, match=r"2 rows \(4\.8%\).*ids q40, q41.*More than 1%"):
        settle(rows)


def test_the_start_of_the_first_answer() -> None:
    assert first_start(CONTEXT, GOOD) == 17
    assert first_start(CONTEXT, {"text": ["Denver"], "answer_start": [None]}) == 0
    assert first_start(CONTEXT, {"text": [], "answer_start": []}) is None
    assert first_start(CONTEXT, {"text": [""], "answer_start": [0]}) is None


def official(qas: Any) -> dict[str, Any]:
    paragraph = {"context": CONTEXT, "qas": qas}
    return {"version": "1.1", "data": [{"title": "Sport", "paragraphs": [paragraph]}]}


def test_the_official_file_reads_as_rows(tmp_path: Path) -> None:
    answers = [{"text": "Denver", "answer_start": 17}, {"text": "Denver won", "answer_start": 0}]
    content = official(
        [
            {"id": "1", "question": "Who lost?", "answers": answers},
            {"id": "2", "question": "Why?", "answers": [], "is_impossible": True},
        ]
    )
    (tmp_path / "dev-v2.0.json").write_text(json.dumps(content))
    table = read_file(tmp_path / "dev-v2.0.json", "dev-v2.0.json")
    assert table.columns == ("id", "title", "context", "question", "answers")
    assert table.rows[0]["answers"] == GOOD
    assert table.rows[1]["answers"] == {"text": [], "answer_start": []}
    assert table.rows[1][PLACE] == "dev-v2.0.json data[0].paragraphs[0].qas[1]"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1, 2]", r"a.json\[0\]: holds the value 1 where an object"),
        ("{", "is not JSON"),
        (
            json.dumps({"data": [{"title": "x"}, {"paragraphs": []}]}),
            r"data\[0\]: has no list 'paragraphs'",
        ),
        (json.dumps(official([{"id": "1", "answers": []}])), r"qas\[0\]: lacks 'question'"),
        (json.dumps(official([{"id": "1", "question": "?", "answers": 3}])), "has another form"),
        (json.dumps(official([7])), "has another form"),
    ],
)
def test_a_file_of_another_form_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=message):
        read_file(tmp_path / "a.json", "a.json")
