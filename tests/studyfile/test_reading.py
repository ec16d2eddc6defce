from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tunewise.core.errors import InputError
from tunewise.studyfile.document import read_values
from tunewise.studyfile.reading import MOST_BYTES, read_file, read_text
from tunewise.studyfile.writing import yaml_of


def values(text: str) -> Any:
    return read_text(text, name="study.yaml").values


def message(text: str) -> str:
    with pytest.raises(InputError) as caught:
        read_text(text, name="study.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("1e-4", 0.0001),
        ("1E5", 100000.0),
        (".5", 0.5),
        ("-3", -3),
        ("010", 10),
        ("0x10", 16),
        ("0o10", 8),
        ("12:30:00", "12:30:00"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("'1e-4'", "1e-4"),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_words_mean_what_yaml_1_2_says(word: str, meaning: object) -> None:
    found = values(f"key: {word}")["key"]
    assert found == meaning
    assert type(found) is type(meaning)


def test_every_value_knows_its_line() -> None:
    document = read_text("a: 1\nb:\n  - c: 2\n  - d:\n      e: 3\n", name="study.yaml")
    assert document.place(("b", 1, "d", "e")) == "study.yaml:5 b.d.e"
    assert document.place(("b", 0)) == "study.yaml:3 b[0]"
    assert document.place(("b", 1, "d", "not there")) == "study.yaml:4 b.d.not there"


def test_all_duplicate_keys_are_gathered_and_the_first_values_kept() -> None:
    document = read_text("a: 1\nb: {c: 2, c: 3}\na: 4\n", name="study.yaml")
    assert [str(problem) for problem in document.problems] == [
        "study.yaml:2 b: the key 'c' stands twice: here and on line 2.",
        "study.yaml:3: the key 'a' stands twice: here and on line 1.",
    ]
    assert document.values == {"a": 1, "b": {"c": 2}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a:\n\tb: 1", "study.yaml:2: a tab stands in the indentation"),
        ("a: b: c", "study.yaml:1: a second ': ' in one line, or a wrong indentation"),
        ("a: 1\n b: 2", "study.yaml:2: a second ': ' in one line, or a wrong indentation"),
        ("a: [1, 2", "study.yaml:1: not readable as YAML"),
        ("a: 'open", "study.yaml:1: not readable as YAML"),
        ("a: 1\n---\nb: 2", "study.yaml:2: a second document starts here"),
        ("a: !!python/object:os.system 1", "study.yaml:1: the tag tag:yaml.org,2002:python/"),
        ("a: *b", "study.yaml:1: *b stands for nothing that was named before it"),
        ("a: &b [*b]", "study.yaml:1: *b stands for nothing that was named before it"),
        ("[1]: 2", "study.yaml:1: a key is a name"),
        ("a: .nan", "study.yaml:1 a: found nan: a finite number is right here"),
        ("a: 1e999", "study.yaml:1 a: found inf: a finite number is right here"),
        ("a: 9223372036854775808", "study.yaml:1 a: found a whole number of more than 64 bits"),
        ("a: \0", "study.yaml: not readable as YAML"),
        ('a: "\\0"', "study.yaml:1 a: found '\\x00': holds a character that is no Unicode text"),
    ],
)
def test_what_is_wrong_is_stated_with_its_line(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        document = read_text(text, name="study.yaml")
        raise InputError(document.problems)
    assert str(caught.value).startswith(words)


def test_an_alias_is_followed() -> None:
    assert values("a: &x {b: 1}\nc: *x") == {"a": {"b": 1}, "c": {"b": 1}}


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for level in range(1, 9):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    assert "with its aliases, more than 20,000 values" in message("\n".join(lines))


def test_aliases_cannot_nest_without_end() -> None:
    lines = ["a0: &a0 [1]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 60))]
    assert "nested more than 20 deep" in message("\n".join(lines))


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " + "{b: " * 50, "- " * 100])
def test_deep_nesting_is_refused_at_once(text: str) -> None:
    assert "over 20 levels" in message(text)


def test_many_values_are_refused() -> None:
    assert "20,000 values" in message("[" + "1, " * 20_001 + "1]")


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(b"#" * (MOST_BYTES + 1))
    with pytest.raises(InputError, match="more than 1,000,000 bytes"):
        read_file(path)


def test_text_that_is_not_utf8_is_named_by_line_and_byte(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes("name: x\ntask: für".encode("latin-1"))
    with pytest.raises(InputError, match=r"study\.yaml:2: byte 15 is not UTF-8"):
        read_file(path)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: x\r\ntask: y\r\n")
    assert read_file(path).values == {"name": "x", "task": "y"}


def test_a_missing_file_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_file(tmp_path / "study.yaml")
    with pytest.raises(InputError, match="a folder, where a study file is needed"):
        read_file(tmp_path)


def test_python_values_are_taken_as_a_file_would_have_them() -> None:
    assert read_values({"a": (1, 2), "b": Path("c")}).values == {"a": [1, 2], "b": "c"}


def test_python_values_that_no_file_can_hold_are_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for value in (endless, {1: 2}, {"a": math.nan}, {"a": object()}, {"a": "\ud800"}):
        with pytest.raises(InputError):
            read_values(value)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
    | st.sampled_from(["no", "1e-4", "0x1", "010", "12:30", "null", "~", "", " ", "a: b", "- a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "no", "1e-4", "ü"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "1"]), PLAIN))
@example({"a": "1e-4"})
@example({"a": 1e-4})
@example({"a": "\ufeff"})
@example({"a": ["?0"]})
@example({"a": [["?", "0"], "a: b", "x #y"]})
def test_what_is_written_reads_back_as_the_same_values(written: dict[str, Any]) -> None:
    assert values(yaml_of(written)) == written


@given(st.text(max_size=60) | st.text("ab:-[]{}&*!'\"#|>%@\n\t ", max_size=40))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        read_text(text, name="study.yaml")
    except InputError as error:
        assert str(error)
