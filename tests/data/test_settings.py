from __future__ import annotations

from typing import Any

import pytest

from tunewise.core.canonical import canonical, settings_of
from tunewise.data.settings import DataSettings, SplitRule


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "needs a source"),
        ({"files": {"trian": "a.csv"}}, "Did you mean 'train'?"),
        ({"source": "a.csv", "limit": 0}, "limit = 0: a whole number"),
        ({"source": "a.csv", "limit": {"dev": 5}}, "unknown split 'dev'"),
        ({"source": "a.csv", "limit": True}, "limit = True"),
        ({"source": "a.csv", "on_missing_label": "ignore"}, "either error or drop"),
        ({"source": "a.csv", "columns": {"text": "x", "label": "x"}}, "both 'x'"),
        ({"source": "a.csv", "columns": {"text": ""}}, "columns.text = ''"),
        ({"files": {"train": "a.csv"}, "revision": "abc"}, "belong to a hub id"),
    ],
)
def test_wrong_data_settings_say_what_would_be_right(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("?", r"\?")):
        DataSettings(**settings)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "names no part to cut"),
        ({"train": 0.8}, "names no part to cut"),
        ({"from_": "dev", "test": 0.1}, "from = 'dev'"),
        ({"train": "rest", "test": "rest"}, "only one part can"),
        ({"train": 0.9, "test": 0.2}, "may not exceed 1"),
        ({"test": 1.5}, "test = 1.5"),
        ({"test": 0}, "test = 0"),
        ({"test": "half"}, "test = 'half'"),
        ({"test": True}, "test = True"),
        ({"test": 0.1, "seed": -1}, "seed = -1"),
        ({"test": 0.1, "group": ""}, "the name of a column"),
    ],
)
def test_a_wrong_split_rule_says_what_would_be_right(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SplitRule(**settings)


def test_the_split_that_is_cut_keeps_the_rest() -> None:
    assert SplitRule(test=0.2).sizes == {"train": "rest", "test": 0.2}
    assert SplitRule(train=8000, test="rest").sizes == {"train": 8000, "test": "rest"}
    assert SplitRule(from_="test", validation="rest", test=100).sizes == {
        "validation": "rest",
        "test": 100,
    }


def test_settings_are_plain_json_values() -> None:
    settings = DataSettings(source="a.csv", split=SplitRule(validation=0.1), limit={"train": 5})
    assert canonical(settings_of(settings)).startswith('{"clean":null,"columns":null')
