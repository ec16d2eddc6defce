from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from tunewise.data.embedded import PER_ROOM, SIZES, embedded_splits
from tunewise.data.embedded_world.asked import ASKED
from tunewise.data.embedded_world.draw import Draw
from tunewise.data.embedded_world.rooms import Room, draw_room
from tunewise.data.embedded_world.spans import passage, questions, tell
from tunewise.data.embedded_world.stories import stories


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [row for split in embedded_splits("spans").values() for row in split]


def test_every_answer_stands_in_its_context_where_it_says(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        (answer,), (start,) = row["answers"]["text"], row["answers"]["answer_start"]
        assert row["context"][start : start + len(answer)] == answer


def test_answers_are_one_to_four_words(rows: list[dict[str, Any]]) -> None:
    lengths = [len(row["answers"]["text"][0].split()) for row in rows]
    assert {*lengths} == {1, 2, 3, 4}


def test_questions_of_every_kind_are_asked(rows: list[dict[str, Any]]) -> None:
    asked = " ".join(row["question"] for row in rows)
    assert all(word in asked for word in ("Who", "What", "Where", "How many", "colour", "When"))


def test_rooms_come_whole(rows: list[dict[str, Any]]) -> None:
    assert all(size % PER_ROOM == 0 for size in SIZES.values())
    titles = [row["title"] for row in rows]
    assert all(len({*titles[at : at + PER_ROOM]}) == 1 for at in range(0, len(rows), PER_ROOM))
    assert len({*titles}) == len(rows) / PER_ROOM


def test_ids_are_of_one_row_each(rows: list[dict[str, Any]]) -> None:
    assert len({row["id"] for row in rows}) == len(rows)


def test_no_question_is_asked_twice_of_a_room(rows: list[dict[str, Any]]) -> None:
    assert len({(row["title"], row["question"]) for row in rows}) == len(rows)


def test_the_answer_to_who_owns_the_house_is_the_landlord() -> None:
    draw = Draw("test", 3)
    found = 0
    for _ in range(300):
        room = draw_room(draw)
        message = tell(room, draw, topics=4, things=1)
        for span in questions(message, 5, draw):
            if span.question in ASKED["landlord"].questions:
                assert span.answer == room.landlord
                assert room.landlord in span.statement
                found += 1
            if span.question.startswith("What colour"):
                assert span.answer.lower() in {thing.colour for thing in room.things}
    assert found > 20


@pytest.mark.parametrize("field", ASKED)
def test_every_open_field_is_one_of_a_room(field: str) -> None:
    assert field in Room.__dataclass_fields__
    assert ASKED[field].questions
    assert all("{x}" in statement for statement in ASKED[field].statements)


def test_stories_are_the_same_every_time_and_tell_no_shipped_room(
    rows: list[dict[str, Any]],
) -> None:
    message = list(islice(stories(1), 300))
    assert message == list(islice(stories(1), 300))
    assert {first for first, _ in message}.isdisjoint(row["context"] for row in rows)


def test_stories_know_no_prompt() -> None:
    texts = " ".join(f"{first} {second}" for first, second in islice(stories(1), 2000))
    assert "Question:" not in texts
    assert "Answer:" not in texts


def test_as_many_statements_hold_as_do_not() -> None:
    for split, own in embedded_splits("statements").items():
        assert sum(row["label"] == "true" for row in own) == SIZES[split] / 2


def test_a_passage_is_its_sentences_and_spans_count_from_its_start() -> None:
    draw = Draw("test", 4)
    message = tell(draw_room(draw), draw, topics=3, things=3)
    for span in questions(message, 6, draw):
        assert passage(message)[span.start :].startswith(span.answer)
