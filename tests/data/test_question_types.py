from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tunewise.core.errors import InputError
from tunewise.data.question_types import COCOQA, TAXONOMIES, TDIUC, question_word, taxonomy


@pytest.mark.parametrize(
    ("question", "cocoqa", "tdiuc"),
    [
        ("how many chairs are on the right side of the table", "number", "counting"),
        ("what color is the ladder between the armchairs", "colour", "colour attributes"),
        ("What is the colour of the sofa?", "colour", "colour attributes"),
        ("where is the lamp", "location", "positional reasoning"),
        ("which room is this", "location", "scene classification"),
        ("what is behind the table", "object", "positional reasoning"),
        ("what is to the left of the window", "object", "positional reasoning"),
        ("what is this", "object", "subordinate object recognition"),
        ("what is the largest object in this picture", "object", "other attributes"),
        ("what is the shape of the mirror", "object", "other attributes"),
        ("Is there a dog?", "object", "object presence"),
        ("what is the man doing", "object", "activity recognition"),
        ("which sport is being played", "object", "sport recognition"),
        ("does she look happy", "object", "sentiment understanding"),
        ("what can be used to cut paper", "object", "object utilities and affordances"),
        ("what is the coloured thing", "object", "subordinate object recognition"),
        ("", "object", "subordinate object recognition"),
    ],
)
def test_a_question_is_of_the_type_its_words_say(question: str, cocoqa: str, tdiuc: str) -> None:
    assert COCOQA.type_of(question) == cocoqa
    assert TDIUC.type_of(question) == tdiuc


@pytest.mark.parametrize("name", TAXONOMIES)
def test_counts_name_every_type_and_miss_no_question(name: str) -> None:
    questions = ["how many", "where is it", "what colour is it", "what is it"] * 3
    counts = taxonomy(name).counts(questions)
    assert tuple(counts) == taxonomy(name).types
    assert sum(counts.values()) == len(questions)


def test_every_rule_and_the_fallback_name_a_type() -> None:
    for one in TAXONOMIES.values():
        assert {name for name, _ in one.rules} | {one.otherwise} <= set(one.types)
    assert (len(COCOQA.types), len(TDIUC.types)) == (4, 12)


def test_an_unknown_taxonomy_is_reported_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'cocoqa'"):
        taxonomy("coco-qa")


@pytest.mark.real
def test_daquar_with_thirty_answers_is_nearly_all_object_number_and_colour(
    real_data: Path,
) -> None:
    with (real_data / "daquar" / "new_data_train.csv").open(encoding="utf-8") as file:
        counts = COCOQA.counts(row["question"] for row in csv.DictReader(file))
    assert counts["location"] < 0.01 * sum(counts.values())
    assert min(counts["object"], counts["number"], counts["colour"]) > 100


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("In what year did it open, and who came?", "what"),
        ("WHOSE house is it?", "who"),
        ("To whom was it sold?", "who"),
        ("How many beds?", "how"),
        ("Is there a whatnot somewhere?", "other"),  # neither is a word of its own
        ("", "other"),
    ],
)
def test_the_first_word_that_asks_decides(question: str, word: str) -> None:
    assert question_word(question) == word
