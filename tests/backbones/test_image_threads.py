"""Helping threads change the time that something takes, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from transformers import ResNetConfig, ResNetModel

from tunewise.backbones.encoders import ImageEncoder
from tunewise.backbones.image_threads import side_by_side, use_helpers


@pytest.fixture(autouse=True)
def alone_again() -> Iterator[None]:
    yield
    use_helpers(0)


@pytest.mark.parametrize("helpers", [0, 1, 4, 40])
def test_every_part_is_worked_on_once_and_comes_back_in_its_place(helpers: int) -> None:
    use_helpers(helpers)
    seen: list[int] = []

    def work(part: int) -> int:
        seen.append(part)
        return part * part

    assert side_by_side(work, range(12)) == [part * part for part in range(12)]
    assert sorted(seen) == [*range(12)]
    assert side_by_side(work, []) == []


def test_two_threads_work_at_the_same_time() -> None:
    use_helpers(1)
    both = threading.Barrier(2, timeout=20)  # breaks unless two wait at it together
    assert len(side_by_side(lambda part: both.wait(), [0, 1])) == 2


@pytest.mark.parametrize("helpers", [0, 2])
def test_a_mistake_is_raised_and_no_further_part_begun(helpers: int) -> None:
    use_helpers(helpers)
    seen: list[int] = []

    def work(part: int) -> None:
        seen.append(part)
        raise ValueError(f"part {part}")

    with pytest.raises(ValueError, match="part"):
        side_by_side(work, range(100))
    assert len(seen) <= helpers + 1


def test_vectors_are_the_same_numbers_whoever_computes_them() -> None:
    torch.manual_seed(0)
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    encoder = ImageEncoder(ResNetModel(config)).eval()
    batches = list(torch.randn(12, 8, 3, 16, 16))

    @torch.no_grad()
    def read(batch: Tensor) -> Tensor:
        return encoder(batch)

    alone = side_by_side(read, batches)
    use_helpers(3)
    for one, other in zip(alone, side_by_side(read, batches), strict=True):
        assert torch.equal(one, other)
