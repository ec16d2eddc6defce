"""Kinds of wrong answers, kinds of questions, and how much texts differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.statistics.diversity import distinct, self_f1, unique_fraction
from tunewise.statistics.failures import (
    KINDS,
    failure,
    question_word,
)
from tunewise.statistics.squad import exact_match


@pytest.mark.parametrize(
    ("question", "answer", "references", "kind"),
    [
        ("Who won?", "The Denver Broncos.", ["Denver Broncos"], None),
        ("Who won?", "  ", ["Denver Broncos"], "empty"),
        ("Who won?", "the", ["Denver Broncos"], "empty"),
        ("Who won?", "Denver", [], "unanswerable"),
        ("Who won?", "", [], None),
        ("Who won?", "Denver Denver Denver", ["Carolina"], "loop"),
        ("Who won?", "in the city in the city in the city", ["Carolina"], "loop"),
        ("Who won the game?", "who won the game", ["Carolina"], "copied question"),
        ("Who won?", "Denver Broncos of Colorado", ["Denver Broncos"], "too long"),
        ("Who won?", "Broncos", ["Denver Broncos"], "partial span"),
        ("Who won?", "Denver Nuggets", ["Denver Broncos"], "some overlap"),
        ("Who won?", "Carolina", ["Denver Broncos"], "no overlap"),
        ("Who won?", "1984", ["Denver Broncos"], "wrong type"),
        ("Where was it?", "24-10", ["Denver"], "wrong type"),
        ("How many teams?", "Denver", ["32"], "wrong type"),
        ("How many teams?", "twenty-five", ["32"], "no overlap"),
        ("When did it end?", "Denver", ["1999"], "wrong type"),
        ("In what year was it?", "in May", ["1999"], "no overlap"),
        ("Why?", "1984", ["because of rain"], "no overlap"),
    ],
)
def test_each_kind_by_hand(
    question: str, answer: str, references: list[str], kind: str | None
) -> None:
    assert failure(question, answer, references) == kind


def test_a_stop_for_a_loop_is_believed() -> None:
    assert failure("Who?", "a b a b", ["c"], stopped="loop") == "loop"


@given(st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_whatever_is_no_exact_match_has_one_kind(
    question: str, answer: str, references: list[str]
) -> None:
    kind = failure(question, answer, references)
    assert (kind is None) == (exact_match(answer, references) == 1)
    assert kind is None or kind in KINDS


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("Who won?", "who"),
        ("To whom was it given?", "who"),
        ("Which team, and when?", "which"),
        ("How many teams were there?", "how many"),
        ("How much did it cost?", "how much"),
        ("How did it end?", "how"),
        ("The game was in what city?", "what"),
        ("On what date was it?", "when"),
        ("Somewhat shown", "other"),
        ("", "other"),
    ],
)
def test_question_words(question: str, word: str) -> None:
    assert question_word(question) == word


def test_diversity_by_hand() -> None:
    assert distinct(["a b a", "b"], 1) == 2 / 4
    assert distinct(["a b a"], 2) == 1
    assert distinct(["a", ""], 2) is None
    assert self_f1(["one"]) is None
    assert self_f1(["x y", "x y"]) == 1
    assert self_f1(["x y", "x z", "q"]) == pytest.approx((0.5 + 0 + 0) / 3)


@given(st.lists(st.text(max_size=8), min_size=1, max_size=5))
def test_equal_samples_have_no_diversity_and_fractions_are_fractions(texts: list[str]) -> None:
    assert 0 < unique_fraction(texts) <= 1
    assert unique_fraction([texts[0]] * 4) == 1 / 4
    assert self_f1([texts[0]] * 3) == 1
    one = distinct(texts, 1)
    assert one is None or 0 < one <= 1
