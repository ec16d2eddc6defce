from __future__ import annotations

from itertools import combinations

import pytest

from tunewise.core.errors import InputError
from tunewise.data.embedded import EMBEDDED, SIZES, embedded_splits
from tunewise.data.world.draw import Draw
from tunewise.data.world.reviews import LABELS
from tunewise.data.world.rooms import draw_room


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_same_rows_come_every_time(name: str) -> None:
    assert embedded_splits(name) == embedded_splits(name)


@pytest.mark.parametrize("name", EMBEDDED)
def test_splits_have_their_sizes(name: str) -> None:
    assert {split: len(rows) for split, rows in embedded_splits(name).items()} == SIZES


@pytest.mark.parametrize("name", EMBEDDED)
def test_no_text_stands_in_two_splits(name: str) -> None:
    texts = {
        split: {row.get("passage", row.get("text")) for row in rows}
        for split, rows in embedded_splits(name).items()
    }
    assert all(a.isdisjoint(b) for a, b in combinations(texts.values(), 2))


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'reviews'"):
        embedded_splits("review")


def test_another_seed_makes_another_room() -> None:
    assert draw_room(Draw("room", 0)) != draw_room(Draw("room", 1))


def test_every_class_of_review_is_common() -> None:
    labels = [row["label"] for row in embedded_splits("reviews")["train"]]
    assert all(labels.count(label) > len(labels) / 10 for label in LABELS)
