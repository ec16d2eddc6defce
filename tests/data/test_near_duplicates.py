"""Case 39: the nearly same texts, against comparing all with all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.data.audit.near_duplicates import NEAR, jaccard, near_pairs, plain, shingles


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Good film!", "good  film"),
        ("A “fine” film…", 'a "fine" film'),
        ("Ｇｏｏｄ film", "good film"),
        ("cafe\u0301", "CAFÉ"),
        ("so good 😀👍🏽 film ☀️", "so good 😀👍🏽 film"),
    ],
)
def test_the_same_but_for_form(one: str, other: str) -> None:
    assert plain(one) == plain(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("good", "food"), (":-)", ":-("), ("हिंदी", "हदी"), ("1 star", "11 star"), ("", ".")],
)
def test_texts_that_differ_stay_different(one: str, other: str) -> None:
    assert plain(one) != plain(other)


WORDS = st.lists(st.sampled_from("abcdef"), max_size=9).map(" ".join)


@given(st.lists(WORDS, max_size=12), st.lists(WORDS, max_size=12))
def test_the_nearly_same_texts_are_those_that_comparing_all_with_all_finds(
    ours: list[str], theirs: list[str]
) -> None:
    left, right = [shingles(text) for text in ours], [shingles(text) for text in theirs]
    found = list(near_pairs(left, right))
    assert all(jaccard(left[here], right[there]) >= NEAR for here, there in found)
    assert [here for here, _ in found] == [
        here
        for here, one in enumerate(left)
        if any(len(one & other) / len(one | other) >= NEAR for other in right)
    ]


def test_a_changed_word_in_a_long_text_is_nearly_the_same() -> None:
    words = [f"w{at}" for at in range(40)]
    changed = " ".join([*words[:20], "other", *words[21:]])
    assert list(near_pairs([shingles(changed)], [shingles(" ".join(words))])) == [(0, 0)]
