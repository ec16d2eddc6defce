"""Whatever is given as a study is either one or refused in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.core.errors import InputError
from tunewise.methods.base import METHODS
from tunewise.studyfile.aliases import NAMES, NOT_NEEDED
from tunewise.studyfile.expand import expand
from tunewise.studyfile.studyfile import read_study
from tunewise.studyfile.values import types_of

pytestmark = pytest.mark.usefixtures("guess")

KEYS = [
    *("name", "task", "kind", "data", "source", "split", "from", "limit", "files", "columns"),
    *("models", "methods", "full", "lora", "guess", "rank", "dropout", "targets", "choice"),
    *("training", "epochs", "batch_size", "learning_rate", "schedule", "search", "seeds", "text"),
    *("label", "labels", "metrics", "keep", "accept_leakage", "", "full.rank", "training.dropout"),
    *("lr", "r", "num_labels"),
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.sampled_from([*KEYS, "classification", "auto", "rest", "linear", "a@b", "@", "1e-4"])
    | st.integers()
    | st.sampled_from([0, 1, 8, 1e-4, 0.1, -1.5])
    | st.floats()
    | st.text(max_size=5)
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.integers(0, 1), inner, max_size=4)
    ),
    max_leaves=12,
)
SOUND: dict[str, Any] = {
    "name": "toy",
    "task": {"kind": "classification", "text": "text", "label": "label"},
    "data": {"source": "reviews.csv"},
    "models": ["bert"],
    "methods": ["full", {"lora": {"rank": [4, 8]}}, "guess"],
    "training": {"epochs": 2},
    "search": {"learning_rate": [1e-4, 3e-4]},
}


def is_sound(values: Any) -> bool:
    try:
        expand(read_study(values))
    except InputError as error:
        assert error.problems
        assert all(problem.message for problem in error.problems)
        return False
    return True


def test_a_sound_study_is_sound() -> None:
    assert is_sound(SOUND)


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=6))
def test_any_mapping_is_a_study_or_refused_in_words(values: dict[str, Any]) -> None:
    is_sound(values)


@settings(max_examples=200)
@given(part=st.sampled_from(list(SOUND)), value=ANYTHING)
def test_any_value_in_a_sound_study_is_right_or_refused_in_words(part: str, value: Any) -> None:
    is_sound({**SOUND, part: value})


@settings(max_examples=100)
@given(
    st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=4),
    st.sampled_from(["training", "search", "data", "task"]),
)
def test_any_settings_in_a_sound_study_are_right_or_refused_in_words(
    values: dict[str, Any], part: str
) -> None:
    is_sound({**SOUND, part: {**SOUND[part], **values}})


@pytest.mark.parametrize("name", METHODS.classes)
def test_any_entry_of_a_method_is_right_or_refused_in_words(name: str) -> None:
    keys = [*types_of(METHODS.get(name)), "name", "training", *NAMES, *NOT_NEEDED]

    @settings(max_examples=50)
    @given(st.dictionaries(st.sampled_from(keys), ANYTHING, max_size=4))
    def check(values: dict[str, Any]) -> None:
        is_sound({**SOUND, "methods": [{name: values}, "lora"]})

    check()


@pytest.mark.parametrize("name", METHODS.classes)
def test_a_methods_settings_leave_the_words_of_an_entry_alone(name: str) -> None:
    assert not {"name", "training"} & set(types_of(METHODS.get(name)))
