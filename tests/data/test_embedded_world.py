from __future__ import annotations

import hashlib
import json
from itertools import combinations, islice

import pytest

from tunewise.core.errors import InputError
from tunewise.data.embedded import EMBEDDED, SIZES, embedded_splits
from tunewise.data.embedded_world.corpus import ASIDES, corpus
from tunewise.data.embedded_world.descriptions import Question, ask, describe
from tunewise.data.embedded_world.draw import Draw
from tunewise.data.embedded_world.opinions import Clause
from tunewise.data.embedded_world.reviews import (
    CUTS,
    LABELS,
    NOISE,
    Review,
    concede,
    draw_review,
)
from tunewise.data.embedded_world.rooms import Room, Thing, draw_room
from tunewise.data.embedded_world.things import thing_fact

LAMPS = Thing("lamp", count=2, colour="red", relation="under", anchor="window")


def reviews(n: int) -> list[Review]:
    draw = Draw("test", 5)
    return [draw_review(draw_room(draw), draw) for _ in range(n)]


def questions(n: int) -> list[tuple[Room, Question]]:
    draw = Draw("test", 6)
    rooms = [draw_room(draw) for _ in range(n)]
    return [(room, ask(describe(room, draw), draw)) for room in rooms]


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_same_rows_come_every_time(name: str) -> None:
    assert embedded_splits(name) == embedded_splits(name)


@pytest.mark.parametrize("name", EMBEDDED)
def test_splits_have_their_sizes(name: str) -> None:
    assert {split: len(rows) for split, rows in embedded_splits(name).items()} == SIZES


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("reviews", "text"),
        ("questions", "passage"),
        ("spans", "context"),
        ("spans", "title"),
        ("statements", "passage"),
    ],
)
def test_no_text_stands_in_two_splits(name: str, column: str) -> None:
    texts = {split: {row[column] for row in rows} for split, rows in embedded_splits(name).items()}
    assert all(a.isdisjoint(b) for a, b in combinations(texts.values(), 2))


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'reviews'"):
        embedded_splits("review")


def test_another_seed_makes_another_room() -> None:
    assert draw_room(Draw("room", 0)) != draw_room(Draw("room", 1))


def test_several_are_different_and_shuffling_loses_nothing() -> None:
    draw = Draw("test", 0)
    assert len(set(draw.several(range(10), 6))) == 6
    assert sorted(draw.shuffled(range(10))) == list(range(10))


def test_every_class_of_review_is_common() -> None:
    labels = [row["label"] for row in embedded_splits("reviews")["train"]]
    assert all(labels.count(label) > len(labels) / 10 for label in LABELS)


def test_labels_are_the_class_of_the_value_save_for_the_noise() -> None:
    drawn = reviews(4000)
    wrong = [r for r in drawn if LABELS.index(r.label) != sum(r.value >= cut for cut in CUTS)]
    # Three standard deviations of a fraction of 0.03 of 4000 are 0.008.
    assert len(wrong) / len(drawn) == pytest.approx(NOISE, abs=0.008)


def test_noise_moves_a_label_by_one_class() -> None:
    for review in reviews(2000):
        place = sum(review.value >= cut for cut in CUTS)
        assert abs(LABELS.index(review.label) - place) <= 1


@pytest.mark.parametrize("seed", range(6))
def test_what_is_conceded_counts_less_however_it_is_worded(seed: int) -> None:
    bed, house = Clause("the bed is soft", 1.0), Clause("the house is damp", -1.0)
    assert concede(bed, house, Draw("test", seed)).value == -0.75
    assert concede(house, bed, Draw("test", seed)).value == 0.75


def test_both_answers_are_common() -> None:
    answers = [row["answer"] for row in embedded_splits("questions")["train"]]
    assert 0.5 < answers.count("yes") / len(answers) < 0.7


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("are the lamps red", True),
        ("are the lamps under the window", True),
        ("are there exactly two lamps", True),
        ("are the lamps blue", False),
        ("are the lamps behind the window", False),
        ("are there exactly three lamps", False),
        ("is there exactly one lamp", False),
    ],
)
def test_a_claim_about_a_thing_agrees_with_the_thing(claim: str, holds: bool) -> None:
    draw = Draw("test", 1)
    claims = [thing_fact(LAMPS, draw, draw.chance(0.5)).claim for _ in range(500)]
    assert {message.holds for message in claims if message.question == claim} == {holds}


def test_a_claim_about_the_rent_agrees_with_the_rent() -> None:
    asked = [(r, q) for r, q in questions(3000) if q.question.startswith("is the rent more")]
    assert len(asked) > 10
    for room, question in asked:
        limit = int(question.question.split()[-2])
        assert question.answer == (room.rent > limit)


def test_a_claim_about_the_landlord_agrees_with_the_landlord() -> None:
    asked = [(r, q) for r, q in questions(3000) if q.question.startswith("is the landlord")]
    assert len(asked) > 10
    for room, question in asked:
        assert question.answer == question.question.endswith(f"landlord {room.landlord}")


def test_faces_are_known_of_sentences_and_belonging_of_pairs() -> None:
    for text in islice(corpus(1), 500):
        if text.aside is not None:
            assert (ASIDES[text.aside] in ("apart", "together")) == bool(text.second)


def test_the_corpus_is_the_same_every_time() -> None:
    assert list(islice(corpus(1), 50)) == list(islice(corpus(1), 50))


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("reviews", "2cbdbb0d8ff57fae"),
        ("questions", "177adb64900a0a80"),
        ("spans", "5ebb42837ed9e8b7"),
        ("statements", "8f4c905e6b4a5fad"),
    ],
)
def test_the_rows_are_the_bytes_that_were_first_measured(name: str, start: str) -> None:
    """Digests of the first release's rows, so that another platform or Python shows up."""
    rows = json.dumps(embedded_splits(name)).encode()
    assert hashlib.sha256(rows).hexdigest().startswith(start)
