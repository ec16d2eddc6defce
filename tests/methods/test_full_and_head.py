"""Which numbers count as head, and that full and head come back from disk."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tunewise.backbones.model import Model
from tunewise.methods.full import Full
from tunewise.methods.head import Head

Tiny = Callable[..., Model]
D, C = 16, 3
EXPECTED = {
    ("bert", "library"): C * D + C,  # its pooler is pretrained, and frozen
    ("roberta", "library"): D * D + D + C * D + C,
    ("distilbert", "library"): D * D + D + C * D + C,
    ("gpt2", "library"): C * D,
    **{(family, "mean"): C * D + C for family in ("bert", "roberta", "distilbert", "gpt2")},
}


@pytest.mark.parametrize(("family", "pooling"), EXPECTED)
def test_the_head_has_as_many_parameters_as_its_formula(
    tiny: Tiny, family: str, pooling: str
) -> None:
    model = tiny(family, pooling=pooling)
    Head().prepare(model)
    assert trained(model) == EXPECTED[family, pooling]


def test_two_options_over_the_mean_are_two_d_plus_two(tiny: Tiny) -> None:
    model = tiny("roberta", pooling="mean", options=["no", "yes"])
    Head().prepare(model)
    assert trained(model) == 2 * D + 2


def test_full_trains_every_number_once(tiny: Tiny) -> None:
    model = tiny("bert")
    Full().prepare(model)
    assert trained(model) == sum(p.numel() for p in model.module.parameters())


def trained(model: Model) -> int:
    return sum(p.numel() for p in model.module.parameters() if p.requires_grad)
