"""Cutting and limiting: laws, over random data."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.core.errors import InputError
from tunewise.data.settings import SplitRule
from tunewise.data.splits import apply_rule, limited, part_sizes, spread
from tunewise.data.table import Row, Splits


def rows(count: int, *, classes: int = 3, groups: int = 7) -> list[Row]:
    return [
        {
            "id": f"r{at}",
            "label": at * at % classes,
            "group": f"g{at % groups}",
            "_place": f"x:{at}",
        }
        for at in range(count)
    ]


def cut(rule: SplitRule, count: int = 100, **extra: int) -> Splits:
    return apply_rule({"train": rows(count, **extra)}, rule, label="label")[0]


def ids(part: list[Row]) -> list[str]:
    return [row["id"] for row in part]


@given(st.integers(10, 60), st.integers(0, 5), st.booleans(), st.booleans())
def test_every_row_goes_to_exactly_one_part(
    count: int, seed: int, grouped: bool, stratify: bool
) -> None:
    rule = SplitRule(
        train=0.6,
        validation=0.2,
        test=0.2,
        seed=seed,
        group="group" if grouped else None,
        stratify=stratify,
    )
    parts = cut(rule, count)
    everything = [row for part in parts.values() for row in ids(part)]
    assert sorted(everything) == sorted(ids(rows(count)))


@given(st.integers(21, 80), st.integers(0, 5), st.integers(4, 20))
def test_no_group_is_in_two_parts(count: int, seed: int, groups: int) -> None:  # case 44
    parts = cut(SplitRule(validation=0.3, test=0.2, group="group", seed=seed), count, groups=groups)
    seen = [{row["group"] for row in part} for part in parts.values()]
    assert sum(map(len, seen)) == len(set.union(*seen))


def test_groups_meet_the_sizes_nearly() -> None:
    parts = cut(SplitRule(validation=0.2, test=100, group="group"), 1000, groups=200)
    assert len(parts["validation"]) == pytest.approx(200, abs=10)
    assert len(parts["test"]) == pytest.approx(100, abs=10)


@given(st.integers(20, 200), st.integers(2, 5), st.integers(0, 3))
def test_every_beginning_of_the_order_has_the_fractions_of_the_whole(
    count: int, classes: int, seed: int
) -> None:
    data = rows(count, classes=classes)
    totals = Counter(row["label"] for row in data)
    order = spread(data, label="label", seed=seed, purpose="test")
    for length in range(1, count + 1):
        have = Counter(data[at]["label"] for at in order[:length])
        for label, total in totals.items():
            assert abs(have[label] - length * total / count) <= len(totals)


def test_a_stratified_split_keeps_the_fractions() -> None:
    parts = cut(SplitRule(validation=0.2, test=0.2), 600, classes=3)
    fractions = [Counter(row["label"] for row in part)[0] / len(part) for part in parts.values()]
    assert fractions == pytest.approx([200 / 600] * 3, abs=0.02)


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    first = cut(SplitRule(test=0.3, seed=1))
    assert first == cut(SplitRule(test=0.3, seed=1))
    assert ids(first["test"]) != ids(cut(SplitRule(test=0.3, seed=2))["test"])


def test_the_draw_is_the_same_on_every_machine() -> None:
    def draw(name: str) -> bytes:
        return hashlib.blake2b(f"0/split/{name}".encode(), digest_size=8).digest()

    largest = sorted(ids(rows(9)), key=draw)[-2:]
    assert ids(cut(SplitRule(test=2, stratify=False), 9)["test"]) == sorted(largest)


def test_rows_keep_the_order_of_the_file() -> None:
    for part in cut(SplitRule(validation=10, test=10)).values():
        numbers = [int(row["id"][1:]) for row in part]
        assert numbers == sorted(numbers)


def test_parts_that_are_not_named_stay() -> None:
    own = [{"id": "t", "label": 0, "_place": "t:1"}]
    parts, unused = apply_rule(
        {"train": rows(50), "test": own}, SplitRule(validation=0.2), label="label"
    )
    assert list(parts) == ["train", "validation", "test"]
    assert parts["test"] == own
    assert unused == 0


def test_rows_that_no_part_takes_are_counted() -> None:
    parts, unused = apply_rule(
        {"train": rows(50)}, SplitRule(train=20, validation=10), label="label"
    )
    assert [len(part) for part in parts.values()] == [20, 10]
    assert unused == 20


@given(st.integers(3, 1000))
def test_fractions_of_one_leave_nothing_over(count: int) -> None:
    sizes = part_sizes(SplitRule(train=0.8, validation=0.1, test="rest"), 10 * count)
    assert sizes["unused"] == 0
    thirds = part_sizes(SplitRule(train=0.4, validation=0.3, test=0.3), count)
    assert sum(thirds.values()) == count
    assert thirds["unused"] == 0


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (SplitRule(from_="test", validation=0.1), "no 'test' split"),
        (SplitRule(validation=200), "more rows than there are"),
        (SplitRule(train=100, validation=20, test="rest"), "more rows than there are"),
        (SplitRule(validation=0.001), "no rows for validation"),  # case 42
        (SplitRule(validation=0.1, group="nothing"), "'nothing' is empty here and in 100 rows"),
    ],
)
def test_a_rule_that_does_not_fit_the_data_is_refused(rule: SplitRule, says: str) -> None:
    with pytest.raises(InputError, match=says):
        cut(rule)


def test_fewer_groups_than_parts_are_refused() -> None:
    with pytest.raises(InputError, match="'group' has 2 values for 3 parts"):
        cut(SplitRule(validation=0.1, test=0.1, group="group"), groups=2)


def test_a_part_that_the_data_brings_is_not_made_again() -> None:
    with pytest.raises(InputError, match="the data has its own test split"):
        apply_rule({"train": rows(9), "test": rows(3)}, SplitRule(test=0.2), label=None)


# Limits


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 3))
def test_a_smaller_limit_takes_a_part_of_a_larger_one(few: int, more: int, seed: int) -> None:
    few, more = sorted((few, more))
    data = {"train": rows(60)}
    small = limited(data, few, label="label", seed=seed)["train"]
    large = limited(data, more, label="label", seed=seed)["train"]
    assert len(small) == few
    assert set(ids(small)) <= set(ids(large))


def test_a_limit_keeps_a_row_of_every_label() -> None:
    data = rows(100, classes=2)
    data[50]["label"] = "rare"
    kept = limited({"train": data}, 10, label="label", seed=0)["train"]
    assert {row["label"] for row in kept} == {0, 1, "rare"}


def test_a_limit_may_name_splits_and_leaves_short_ones_alone() -> None:
    data = {"train": rows(20), "validation": rows(20), "test": rows(5)}
    assert {name: len(part) for name, part in limited(data, 8, label=None, seed=0).items()} == {
        "train": 8,
        "validation": 8,
        "test": 5,
    }
    only = limited(data, {"train": 3}, label=None, seed=0)
    assert [len(part) for part in only.values()] == [3, 20, 5]
