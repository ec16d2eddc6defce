"""A model's first blocks as a checkpoint of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.conftest import OPTIONS
from tests.training.families import CLASSIFIERS, WRITERS, save_family

from tunewise.backbones.load import build, build_writer
from tunewise.backbones.model import Model
from tunewise.backbones.modules import blocks
from tunewise.backbones.shortened import shortened

FAMILIES = [(family, "writes") for family in WRITERS] + [
    (family, "mean" if number % 2 else "library") for number, family in enumerate(CLASSIFIERS)
]


def built(source: Path, how: str) -> Model:
    if how == "writes":
        return build_writer(str(source), seed=0)
    return build(
        str(source), options=OPTIONS, pooling="mean" if how == "mean" else "library", seed=0
    )


@pytest.mark.parametrize(("family", "how"), FAMILIES)
def test_it_is_the_model_but_for_its_later_blocks(tmp_path: Path, family: str, how: str) -> None:
    source = save_family(
        tmp_path / "whole", family, writes=how == "writes", tied=family != "llama", depth=5
    )
    whole = built(source, how)
    short = shortened(whole)
    assert short is not None
    short.write(tmp_path / "short")
    found = built(tmp_path / "short", how)
    lists = {path.rpartition(".")[0] for path in blocks(whole)}
    assert len(blocks(found)) == 2 * len(lists)
    assert found.head == whole.head
    numbers = dict(whole.module.named_parameters())
    for name, weight in found.module.named_parameters():
        assert name in found.head or torch.equal(weight, numbers[name]), name
    outside = {name for name in numbers if not name.startswith(f"{whole.backbones['text']}.")}
    assert outside <= {name for name, _ in found.module.named_parameters()}  # untied where it was


def test_a_model_of_few_blocks_is_left_as_it_is(tmp_path: Path) -> None:
    source = save_family(tmp_path, "bert", writes=False, depth=3)
    assert shortened(built(source, "library")) is None


def test_blocks_of_every_kind_stay(tmp_path: Path) -> None:
    """Where the third block is the first of its kind, three are the fewest."""
    source = save_family(tmp_path / "whole", "bert", writes=False, depth=7)
    whole = built(source, "library")
    block = whole.module.get_submodule(blocks(whole)[2])
    block.register_parameter("more", torch.nn.Parameter(torch.zeros(1)))
    short = shortened(whole)
    assert short is not None and short.config.num_hidden_layers == 3
