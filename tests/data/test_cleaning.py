"""Cleaning: every step counted and listed, near duplicates found, texts made the same way again."""

from __future__ import annotations

import random
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.core.errors import InputError
from tunewise.data.audit.near_duplicates import NEAR, jaccard, plain, shingles
from tunewise.data.cleaning.clean import Cleaned, clean
from tunewise.data.cleaning.combine import TextRules
from tunewise.data.cleaning.markup import has_markup, without_markup
from tunewise.data.cleaning.near_groups import near_groups
from tunewise.data.cleaning.removed import read_removed, write_removed
from tunewise.data.cleaning.rules import CleanRules
from tunewise.data.columns import ID
from tunewise.data.prediction_input import given_input, read_inputs
from tunewise.data.settings import DataSettings, SplitRule
from tunewise.data.splits import apply_rule
from tunewise.data.table import PLACE, Splits


def table(*pairs: tuple[Any, Any], split: str = "train") -> list[dict[str, Any]]:
    return [
        {ID: f"{split}-{at}", PLACE: f"{split}.csv:{at + 2}", "text": text, "label": label}
        for at, (text, label) in enumerate(pairs)
    ]


def cleaned(rows: list[dict[str, Any]], **rules: Any) -> Cleaned:
    return clean({"train": rows}, CleanRules(**rules), ["text"], "label")


def kept(found: Cleaned, split: str = "train") -> list[str]:
    return [row["text"] for row in found.splits[split]]


def test_nothing_is_done_that_is_not_named() -> None:
    rows = table(("a", "x"), ("a", "y"), ("", None), ("<b>a</b>", "x "))
    assert cleaned(rows).splits == {"train": rows}
    assert cleaned(rows).notes() == []


def test_every_row_stays_or_is_listed() -> None:
    draw = random.Random(0)
    rows = table(*((draw.choice(["", "a b", "A, b", "c"]), draw.choice("xyz ")) for _ in range(60)))
    rules = {"empty": "drop", "duplicates": "drop", "near_duplicates": "drop"}
    found = cleaned(rows, **rules)
    ids = [row[ID] for row in found.splits["train"]] + [one.id for one in found.removed]
    assert sorted(ids) == sorted(row[ID] for row in rows)
    counted = sum(count for step in found.facts()["removed"] for count in step["rows"].values())
    assert counted == len(found.removed)


def test_labels_are_rewritten_and_null_means_none() -> None:
    rows = table(("a", "bill"), ("b", "Bill "), ("c", "N/A"), ("d", "Bill"))
    labels = {"bill": "Bill", "Bill ": "Bill", "N/A": None}
    found = cleaned(rows, labels=labels, empty="drop")
    assert [row["label"] for row in found.splits["train"]] == ["Bill"] * 3
    assert [(one.step, one.reason) for one in found.removed] == [("empty", "no label")]
    with pytest.raises(InputError, match="no row has the label 'bil'"):
        cleaned(rows, labels={"bil": "Bill"})


def test_of_equal_texts_one_stays_and_a_draw_of_labels_leaves_none() -> None:
    rows = table(("One two", "x"), ("one, TWO!", "x"), ("one two", "y"), ("q", "x"), ("Q", "y"))
    found = cleaned(rows, duplicates="drop")
    assert kept(found) == ["One two"]
    steps = [(one.step, one.place) for one in found.removed]
    assert steps == [
        ("duplicates", "train.csv:3"),
        *(("contradictions", f"train.csv:{line}") for line in (4, 5, 6)),
    ]


def test_what_is_scored_on_stays_and_train_gives_up_its_copy() -> None:
    splits = {"train": table(("a b", "x"), ("c", "y")), "test": table(("A b", "x"), split="test")}
    found = clean(splits, CleanRules(duplicates="drop"), ["text"], "label")
    assert (kept(found), kept(found, "test")) == (["c"], ["A b"])
    assert found.removed[0].reason == "same text as test.csv:2"


def test_small_classes_are_counted_in_train() -> None:
    rows = table(("a", "x"), ("b", "x"), ("c", "y"))
    found = cleaned(rows, min_examples=2)
    assert (kept(found), found.removed[0].reason) == (["a", "b"], "1 example in train")
    with pytest.raises(InputError, match="leaves no row of train"):
        cleaned(rows, min_examples=9)


# Near duplicates


def letters(draw: random.Random, count: int) -> list[tuple[str, ...]]:
    """Texts of which many are others with a few words changed."""
    words = [f"w{number}" for number in range(200)]
    made: list[list[str]] = []
    for _ in range(count):
        if made and draw.random() < 0.6:
            text = list(draw.choice(made))
            for _ in range(draw.randrange(3)):
                text[draw.randrange(len(text))] = draw.choice(words)
        else:
            text = draw.choices(words, k=draw.randrange(2, 60))
        made.append(text)
    return [(" ".join(text),) for text in made]


def test_groups_are_those_of_comparing_every_pair() -> None:
    keys = letters(random.Random(1), 300)
    runs = [shingles(key[0]) for key in keys]
    group = list(range(len(keys)))
    for one, other in combinations(range(len(keys)), 2):
        if jaccard(runs[one], runs[other]) >= NEAR:
            low, high = sorted((group[one], group[other]))
            group = [low if name == high else name for name in group]
    assert near_groups(keys) == group


def test_groups_are_the_same_in_every_process() -> None:
    code = (
        "import random; from tests.data.test_cleaning import letters; "
        "from tunewise.data.cleaning.near_groups import near_groups; "
        "print(near_groups(letters(random.Random(2), 150)))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("group", [None, "author"])
def test_near_duplicates_never_stand_in_two_splits(group: str | None) -> None:
    draw = random.Random(3)
    rows = table(*((key[0], draw.choice("xy")) for key in letters(draw, 200)))
    for row in rows:
        row["author"] = f"a{draw.randrange(150)}"
    found = cleaned(rows, near_duplicates="group")
    assert len(found.splits["train"]) == len(rows)
    rule = SplitRule(validation=0.2, test=0.2, group=group)
    splits, unused = apply_rule(found.splits, rule, label="label", together=found.together)
    assert unused == 0
    for one, other in combinations(splits.values(), 2):
        runs = [shingles(plain(row["text"])) for row in other]
        assert not any(
            jaccard(shingles(plain(row["text"])), run) >= NEAR for row in one for run in runs
        )
        if group:
            assert not {row[group] for row in one} & {row[group] for row in other}


def test_drop_keeps_one_row_of_each_label() -> None:
    long = " ".join(f"w{number}" for number in range(40))
    rows = table((long, "x"), (f"{long} a", "x"), (f"{long} b", "y"))
    found = cleaned(rows, near_duplicates="drop")
    assert kept(found) == [long, f"{long} b"]
    assert len(set(found.together.values())) == 1


def test_near_rows_of_two_given_splits_leave_train() -> None:
    long = " ".join(f"w{number}" for number in range(40))
    train, test = table((long, "x"), ("q", "y")), table((f"{long} a", "x"), split="test")
    splits: Splits = {"train": train, "test": test}
    found = clean(splits, CleanRules(near_duplicates="group"), ["text"], "label")
    assert (kept(found), len(found.splits["test"])) == (["q"], 1)


# HTML


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_without_markup_stays_as_it_is(text: str) -> None:
    if not has_markup(text):
        assert without_markup(text) == text


def test_hostile_markup_takes_no_time() -> None:
    for piece in ("<script>", "<p ", "<!--", "&amp", "<b><"):
        without_markup(piece * 100_000)


# Texts made again for what is to be answered


def test_predict_makes_texts_as_the_study_made_them(tmp_path: Path) -> None:
    data = {"combine": {"text": ["subject", "body"]}, "clean": {"markup": "strip"}}
    rules = TextRules.from_json(data)
    assert TextRules.from_json(rules.as_json()) == rules
    (tmp_path / "a.csv").write_text("body,subject\n<p>Lost</p>,Parcel\n,Parcel\n")
    (tmp_path / "b.csv").write_text("text\nas it is\n")
    asked = [
        read_inputs(tmp_path / name, name, ["text"], rules=rules) for name in ("a.csv", "b.csv")
    ]
    texts = [example.texts[0] for examples in asked for example in examples]
    assert texts == ["subject: Parcel\nbody: Lost", "subject: Parcel", "as it is"]
    assert given_input(["Parcel", "Lost"], ["text"], rules)[0].texts == (texts[0],)
    with pytest.raises(InputError, match="this study reads subject and body, in order"):
        given_input(["Parcel"], ["text"], rules)


def test_the_list_of_removed_rows_is_read_back(tmp_path: Path) -> None:
    found = cleaned(table(("", "x"), ("a", "y")), empty="drop")
    write_removed(tmp_path, found.removed)
    assert read_removed(tmp_path / "removed.parquet") == found.removed
    write_removed(tmp_path, None)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"duplicates": "dorp"}, "Did you mean 'drop'"),
        ({"min_examples": 0}, "a whole number of rows from 1 up"),
        ({"labels": {"a": ""}}, "the class that is meant"),
        ({"labels": {"a": "b", "b": "c"}}, "'b' is itself rewritten"),
    ],
)
def test_a_wrong_rule_says_what_is_right(rules: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        CleanRules(**rules)


def test_what_is_combined_is_two_columns_or_more() -> None:
    with pytest.raises(ValueError, match="two columns or more"):
        DataSettings(source="a.csv", combine={"text": ["a"]})
