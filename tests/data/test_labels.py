"""Labels: cases 1 (range), 2 (unseen), 4 (missing), 5 and 6 (numbers), 24 (names)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tunewise.core.errors import InputError
from tunewise.data.audit.alike import too_alike
from tunewise.data.labels import Labels, read_names, resolve
from tunewise.data.table import Splits


def splits(train: Sequence[Any], validation: Sequence[Any] = ()) -> Splits:
    return {
        name: [{"label": value, "_place": f"{name}.csv:{at}"} for at, value in enumerate(values, 2)]
        for name, values in (("train", train), ("validation", validation))
    }


def resolved(train: Sequence[Any], validation: Sequence[Any] = (), **names: Any) -> Labels:
    return resolve(splits(train, validation), "label", **names)


def fault(train: Sequence[Any], validation: Sequence[Any] = (), **names: Any) -> str:
    with pytest.raises(InputError) as caught:
        resolved(train, validation, **names)
    return str(caught.value)


@pytest.mark.parametrize(
    ("train", "options", "positions"),
    [
        (["good", "bad", "good"], ("bad", "good"), [1, 0, 1]),
        ([0, 2, 1], ("0", "1", "2"), [0, 2, 1]),
        (["1", "0", "10", "2"], ("0", "1", "2", "10"), [1, 0, 3, 2]),
        ([1.0, 0.0], ("0", "1"), [1, 0]),  # case 5
        (["1.0", "0.0"], ("0", "1"), [1, 0]),  # case 5
        ([1, 0.0], ("0", "1"), [1, 0]),  # case 5
        ([True, False], ("false", "true"), [1, 0]),
        ([5, 1, 3], ("1", "3", "5"), [2, 0, 1]),
        (["01", "02"], ("01", "02"), [0, 1]),  # codes, not numbers
        (["1", "2.0", "many"], ("1", "2.0", "many"), [0, 1, 2]),
        (["NA", "null"], ("NA", "null"), [0, 1]),
        (["nan", "inf"], ("inf", "nan"), [1, 0]),
    ],
)
def test_labels_become_positions(
    train: list[Any], options: tuple[str, ...], positions: list[int]
) -> None:
    labels = resolved(train)
    assert labels.options == options
    assert [labels.position(value) for value in train] == positions


@pytest.mark.parametrize("values", [[0, 1], ["0", "1"], [0.0, 1.0]])
def test_whole_numbers_are_positions_among_names(values: list[Any]) -> None:
    for source in ("given", "found"):
        labels = resolved(values, **{source: ["bad", "good"]})
        assert labels.options == ("bad", "good")
        assert labels.spellings == {"0": 0, "1": 1}  # case 5: the mapping that is echoed
        assert [labels.position(value) for value in values] == [0, 1]


def test_names_give_texts_their_order() -> None:
    assert resolved(["bad", "good"], given=["good", "bad"]).position("bad") == 1
    assert resolved(["bad", "good"], found=["good", "bad"]).position("bad") == 1


@pytest.mark.parametrize(
    "unseen", ["\u200b", "\u200f", "\ufeff", "\u00ad", "\u2060", "\ufe0f", "\u3164", "\U000e0101"]
)
def test_labels_that_look_the_same_are_refused_with_what_cannot_be_seen(unseen: str) -> None:
    for other in (f"b{unseen}", f"{unseen}b", f"B{unseen} "):
        message = fault(["a", "b", other])
        assert "characters that cannot be seen" in message
        assert ascii(unseen)[1:-1] in message
    assert resolved(["b c", "bc", "e", "é"]).options == ("b c", "bc", "e", "é")


def test_numbers_of_a_column_with_names_of_its_own_are_positions() -> None:
    numbers = ("0", "1", "10", "11", "2")
    labels = resolved([2, 4, 0], own=numbers, found=numbers)
    assert [labels.options[labels.position(value)] for value in (2, 4, 0)] == ["10", "2", "0"]


def test_names_given_for_a_column_with_names_of_its_own() -> None:
    own = ["neg", "mid", "pos"]
    for source in ("given", "found"):
        ordered = resolved([0, 2], own=own, **{source: ["pos", "neg"]})
        assert [ordered.options[ordered.position(value)] for value in (0, 2)] == ["neg", "pos"]
        renamed = resolved([0, 1, 2], own=own, **{source: ["3", "5", "8"]})
        assert [renamed.options[renamed.position(value)] for value in (0, 2)] == ["3", "8"]
    message = fault([0, 1, 2], own=own, given=["pos", "neg"])
    assert "label '1' is no class" in message
    assert "it stands for 'mid'" in message


def test_names_that_are_numbers_are_matched_as_text() -> None:
    labels = resolved([1, 5, 3], given=["1", "3", "5"])
    assert [labels.position(value) for value in (1, 5, 3)] == [0, 2, 1]
    assert resolved([-1, 1], given=["-1", "1"]).position(-1) == 0


def test_two_names_serve_false_and_true() -> None:
    for source in ("given", "found"):
        labels = resolved([False, True], **{source: ["no", "yes"]})
        assert [labels.position(value) for value in (False, True)] == [0, 1]
        assert labels.options == ("no", "yes")


def test_names_beside_the_data_about_something_else_are_not_used() -> None:
    assert resolved(["spam", "ham"], found=["good", "bad"]).options == ("ham", "spam")


# Case 1


def test_numbers_out_of_range_are_named_with_their_rows() -> None:
    message = fault([0, 1, 2, 2], found=["bad", "good"])
    assert message == (
        "train.csv:4: label '2' is no class (2 rows: train.csv:4, train.csv:5); "
        "there are 2 names, so labels run from 0 to 1."
    )


def test_negative_numbers_are_refused() -> None:
    message = fault([0, 1, -1])
    assert "train.csv:4: label -1 is negative" in message
    assert "task.labels: ['-1', ...]" in message
    assert "label '-1' is no class" in fault([0, -1], found=["bad", "good"])


# Case 2


def test_labels_that_train_lacks_are_refused() -> None:
    message = fault(["good", "bad"], ["godo", "bad"])
    assert message.startswith("validation.csv:2: label 'godo' does not occur in train")
    assert "Did you mean 'good'?" in message
    assert "data.on_unseen_label: drop" in message
    assert "does not occur in train" in fault([0], [1], found=["bad", "good"])


def test_a_label_that_is_none_of_the_names_is_refused() -> None:
    assert "Did you mean 'good'?" in fault(["good", "goood"], given=["good", "bad"])


# Case 4


@pytest.mark.parametrize("nothing", [None, float("nan"), "", "  ", -100, "-100"])
def test_missing_labels_are_refused_with_their_rows(nothing: Any) -> None:
    message = fault([nothing, "good", "bad", nothing])
    assert message.startswith("train.csv:2: 'label' is missing here and in 2 rows of train in all")
    assert "(train.csv:2, train.csv:5)" in message


def test_a_row_without_the_key_is_a_missing_label() -> None:
    rows: Splits = {"train": [{"_place": "a.jsonl:1"}]}
    with pytest.raises(InputError, match="'label' is missing here"):
        resolve(rows, "label")


# Cases 5 and 6


@pytest.mark.parametrize(
    "values", [[0.5, 1.0], ["0.5", "1.0"], ["0", "1.25"], [float("inf"), 1.0], [["a"], ["b"]], [{}]]
)
def test_what_is_no_class_is_refused(values: list[Any]) -> None:
    assert "A class is a text, a whole number from 0 up, or true and false." in fault(values)


@pytest.mark.parametrize("values", [["good", 1], [True, 1], [True, "true"], ["01", 1]])
def test_several_types_are_refused(values: list[Any]) -> None:
    assert "has several types" in fault(values)


def test_a_whole_number_is_the_same_class_in_quotes_and_without() -> None:
    rows = {"train": [{"label": value} for value in (1, "1", 2.0, "2", 3)]}
    labels = resolve(rows, "label")
    assert labels.options == ("1", "2", "3")
    assert [labels.position(row["label"]) for row in rows["train"]] == [0, 0, 1, 1, 2]


# Case 24, for the names of classes


@pytest.mark.parametrize(
    "pair", [("Good", "good"), ("good ", "good"), ("caf\u00e9", "cafe\u0301"), ("ｇood", "good")]
)
def test_labels_that_differ_only_in_form_are_refused(pair: tuple[str, str]) -> None:
    assert "differ only by case, blanks, Unicode form" in fault([*pair, "other"])
    assert too_alike({name: [""] for name in pair})


# labels.txt


def test_line_n_names_class_n(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("very bad\r\nbad\ngood\n")
    assert read_names(tmp_path / "labels.txt", "labels.txt") == ("very bad", "bad", "good")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a\n\nb\n", "labels.txt:2: is blank"),
        ("a\nb\na\n", "names 'a' twice"),
        ("Good\ngood\n", "differ only by case"),
    ],
)
def test_a_wrong_list_of_names_is_refused(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "labels.txt").write_text(content)
    with pytest.raises(InputError, match=says):
        read_names(tmp_path / "labels.txt", "labels.txt")
