"""The audit: cases 7, 8, 38 to 42 and 44."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tunewise.core.canonical import canonical
from tunewise.data.audit.audit import MOST_SHARED, Audit, audit
from tunewise.data.labels import resolve
from tunewise.data.table import Row, Splits

WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]


def text(number: int) -> str:
    """A text of six words; no two numbers below 20,000 give nearly the same one."""
    return " ".join(WORDS[number * step // 7 % 10] + str(number % 97) for step in range(1, 7))


def rows(split: str, count: int, start: int = 0) -> list[Row]:
    return [
        {
            "id": f"{split}-{at}",
            "text": f"{split} {text(start + at)}",
            "label": ("bad", "good")[at % 2],
            "_place": f"{split}.csv:{at + 2}",
        }
        for at in range(count)
    ]


def splits(**extra: list[Row]) -> Splits:
    """400 rows of train, 100 of validation, 100 of test, with nothing wrong."""
    return {"train": rows("train", 400), "validation": rows("validation", 100)} | {
        "test": rows("test", 100),
        **extra,
    }


def audited(data: Splits, texts: Sequence[str] = ("text",), **options: Any) -> Audit:
    found = audit(data, texts=texts, label="label", labels=resolve(data, "label"), **options)
    canonical(found.facts)  # is JSON
    return found


def test_sound_data_give_neither_problems_nor_warnings() -> None:
    found = audited(splits())
    assert (found.problems, found.warnings) == ([], [])
    assert found.facts["labels"] == {
        "options": ["bad", "good"],
        "spellings": {"bad": 0, "good": 1},
    }
    assert found.facts["splits"]["test"]["rows"] == 100
    assert found.facts["splits"]["test"]["labels"] == {"bad": 50, "good": 50}


# Case 7


def test_empty_texts_are_counted_and_kept() -> None:
    data = splits()
    data["train"][3]["text"] = ""
    data["train"][9]["text"] = " \u00a0\n"
    found = audited(data)
    assert found.problems == []
    assert found.warnings == [
        "train: 2 empty texts (train.csv:5, train.csv:11); kept, because an answer is asked for "
        "all the same."
    ]
    assert found.facts["splits"]["train"]["empty_texts"] == 2


@pytest.mark.parametrize("value", [None, 2020, 1.5, ["a"]])
def test_what_is_no_text_is_a_problem(value: Any) -> None:
    data = splits()
    data["train"][3]["text"] = value
    (problem,) = audited(data).problems
    assert problem.place == "train.csv:5"
    assert "not a text" in problem.message


# Case 8


def test_texts_that_will_be_cut_are_reported_by_their_fraction() -> None:
    def lengths(texts: Sequence[tuple[str, ...]]) -> list[int]:
        return [
            100 if "validation" in text[0] and number < 20 else 9
            for number, text in enumerate(texts)
        ]

    found = audited(splits(), token_lengths=lengths, max_length=64)
    assert found.warnings == [
        "validation: 20.0% of the texts are longer than 64 tokens and will be cut "
        "(training.max_length)."
    ]
    assert found.facts["splits"]["validation"]["truncated_share"] == 0.2
    assert found.facts["splits"]["train"]["truncated_share"] == 0
    assert found.facts["splits"]["train"]["tokens"]["largest"] == 9


# Case 38


def test_an_id_that_stands_twice_is_a_problem() -> None:
    data = splits()
    data["test"][5]["id"] = "train-7"
    (problem,) = audited(data).problems
    assert problem.place == "test.csv:7"
    assert "the id 'train-7' also stands at train.csv:9" in problem.message


# Case 39


def leaking(count: int) -> Splits:
    """So many texts of the test split, in another case, also in train with the right label."""
    data = splits()
    for at in range(count):
        data["train"][at]["text"] = data["test"][at]["text"].upper() + "!"
    return data


def test_a_few_common_texts_are_a_warning() -> None:
    found = audited(leaking(int(100 * MOST_SHARED)))
    assert found.problems == []
    assert found.warnings == [
        "test: 1 row (1.0%) with a text that train has too (test.csv:2 and train.csv:2)."
    ]


def test_many_common_texts_are_a_problem_unless_the_study_says_why() -> None:
    (problem,) = audited(leaking(2)).problems
    assert "test: 2 rows (2.0%) with a text that train has too, more than 1%" in problem.message
    assert "accept_leakage: <reason>" in problem.message
    found = audited(leaking(2), accept_leakage="short replies repeat by nature")
    assert found.problems == []
    assert found.warnings[0].endswith("Accepted: short replies repeat by nature")
    assert audited(leaking(2), accept_leakage="  ").problems


def test_shared_texts_are_distinguished_by_how_alike_they_are() -> None:
    data = leaking(3)
    data["train"][0]["text"] = data["test"][0]["text"]
    long = " ".join(f"w{at}" for at in range(40))
    data["test"][50]["text"], data["train"][50]["text"] = long, f"{long} more"
    facts = {
        (pair["of"], pair["within"]): pair
        for pair in audited(data, accept_leakage="test").facts["shared_texts"]
    }
    pair = facts["test", "train"]
    assert (pair["same"], pair["alike"], pair["near"], pair["rows"]) == (1, 3, 1, 100)
    assert pair["share"] == 0.03
    assert len(facts) == 3


def test_of_a_pair_both_texts_must_agree() -> None:
    data = splits()
    passage = " ".join(f"w{at}" for at in range(60))
    for part in data.values():
        for at, row in enumerate(part):
            row["passage"] = f"{passage} {at}"
    found = audited(data, ("text", "passage"))
    assert found.problems == []
    assert all(pair["near"] == 0 for pair in found.facts["shared_texts"])


# Case 40


def test_contradictory_labels_are_reported_with_examples() -> None:
    data = splits()
    data["train"][11]["text"] = data["train"][2]["text"].title()
    found = audited(data)
    assert found.warnings == [
        "1 text with different labels in different rows: train.csv:4 ('bad') and train.csv:13 "
        "('good')."
    ]
    assert found.facts["contradictory_texts"] == 1
    assert found.facts["splits"]["train"]["repeated_texts"] == 1


# Case 41


def with_label(split: str, label: str) -> Splits:
    data = splits()
    for row in data[split]:
        row["label"] = label
    return data


def test_a_split_of_one_class_is_a_problem_where_something_depends_on_it() -> None:
    (problem,) = audited(with_label("validation", "good")).problems
    assert "every row of validation is 'good': no settings can be chosen on it" in problem.message
    found = audited(with_label("test", "good"))
    assert found.problems == []
    assert "every row of test is 'good': no score on it" in found.warnings[0]


def test_data_of_one_class_is_a_problem() -> None:
    data = splits()
    for part in data.values():
        for row in part:
            row["label"] = "good"
    (problem,) = audited(data).problems
    assert "'label' has one value" in problem.message


def test_named_classes_without_examples_are_reported() -> None:
    data = splits()
    labels = resolve(data, "label", given=["bad", "good", "superb"])
    found = audit(data, texts=["text"], label="label", labels=labels)
    assert found.warnings[0] == "train has no example of superb: it cannot be learned."


# Case 42


def test_a_small_split_is_reported() -> None:
    found = audited(splits(test=rows("test", 20)))
    assert "test: only 20 rows" in found.warnings[0]


# Case 44


def test_a_column_that_looks_like_a_group_and_crosses_splits_is_reported() -> None:
    data = splits()
    for part in data.values():
        for at, row in enumerate(part):
            row["author"] = f"author {at % 40}"
            row["source"] = ("web", "app")[at % 2]  # no group: two values
    found = audited(data)
    assert [(group["column"], group["split"]) for group in found.facts["shared_groups"]] == [
        ("author", "validation"),
        ("author", "test"),
    ]
    assert "100% of the rows share their 'author' with rows of train" in found.warnings[0]


def test_dates_counts_and_measures_are_no_groups() -> None:
    data = splits()
    for part in data.values():
        for at, row in enumerate(part):
            row |= {"customer no.": str(700 + at % 40), "opened": f"2026-01-{1 + at % 28:02d}"}
            row |= {"hours": f"{at % 30},5", "helpful": at % 30, "at": f"2026-01-01T09:{at % 40}Z"}
            row |= {"day": f"{1 + at % 28}. März 2026", "sent": f"Jan {1 + at % 28}, 2026 9:12 AM"}
            row |= {
                "worth": f"{at % 30},00 EUR",
                "автор": f"Иванов {'абвгдежзиклмнопрстуф'[at % 20]}",
            }
            row |= {"machine": f"T-{at % 30}"}
    groups = audited(data).facts["shared_groups"]
    assert {group["column"] for group in groups} == {"customer no.", "автор", "machine"}


def test_ids_that_suggest_groups_are_reported() -> None:
    data = splits()
    for name, part in data.items():
        for at, row in enumerate(part):
            row["id"] = f"article{at % 20}-q{at}{name == 'train':d}{name == 'test':d}"
    groups = audited(data).facts["shared_groups"]
    assert {group["column"] for group in groups} == {"id"}


def test_the_longer_text_of_a_pair_may_be_a_group() -> None:
    data = splits()
    for part in data.values():
        for at, row in enumerate(part):
            row["passage"] = f"a passage that several questions are asked about, number {at % 30}"
    groups = audited(data, ("text", "passage")).facts["shared_groups"]
    assert {group["column"] for group in groups} == {"passage"}


# Case 45


def test_strange_texts_break_nothing() -> None:
    data = splits()
    strange = [
        "\u200b",
        "👩‍👩‍👧" * 50,
        "e\u0301" * 99,
        "\u202eabc",
        "x" * 1_000_000,
        "\ufffd",
        "'\";--",
    ]
    for row, value in zip(data["train"], strange, strict=False):
        row["text"] = value
    assert audited(data).problems == []
