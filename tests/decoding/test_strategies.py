from __future__ import annotations

from typing import Any

import pytest

from tunewise.decoding.strategies import Strategy


@pytest.mark.parametrize(
    ("settings", "label"),
    [
        ({}, "greedy"),
        ({"kind": "beam"}, "beam 4"),
        ({"kind": "sample"}, "temperature 1"),
        ({"kind": "sample", "top_k": 10}, "top-k 10"),
        ({"kind": "sample", "top_p": 0.9}, "top-p 0.9"),
        ({"kind": "sample", "temperature": 0.7}, "temperature 0.7"),
        ({"kind": "sample", "top_k": 50, "temperature": 0.7}, "top-k 50, temperature 0.7"),
        ({"kind": "sample", "top_k": 5, "top_p": 0.5}, "top-k 5, top-p 0.5"),
    ],
)
def test_a_strategy_has_a_short_name(settings: dict[str, Any], label: str) -> None:
    assert Strategy(**settings).label == label


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "best"}, "greedy, beam or sample"),
        ({"kind": "beam", "beams": 1}, "one beam is greedy"),
        ({"top_k": 10}, "top_k is of drawn tokens"),
        ({"kind": "beam", "temperature": 0.5}, "temperature is of drawn tokens"),
        ({"samples": 2}, "one answer only"),
        ({"kind": "sample", "samples": 0}, "samples = 0"),
        ({"kind": "sample", "temperature": 0.0}, "temperature = 0.0"),
        ({"kind": "sample", "temperature": float("nan")}, "temperature = nan"),
        ({"kind": "sample", "top_k": 0}, "top_k = 0"),
        ({"kind": "sample", "top_p": 0.0}, "top_p = 0.0"),
        ({"kind": "sample", "top_p": 1.5}, "top_p = 1.5"),
        ({"max_new_tokens": 0}, "max_new_tokens = 0"),
        ({"stop": ("",)}, "stop"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Strategy(**settings)
