"""Recomputed blocks and sixteen bits: less memory, the same training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
import torch

from tunewise.backbones.model import Model, training_mode
from tunewise.data.examples import Example
from tunewise.methods.base import Adaptation
from tunewise.methods.full import Full
from tunewise.methods.lora import LoRA
from tunewise.methods.prefix import PrefixTuning
from tunewise.tasks.classification import Classification
from tunewise.training.assembly import compute_as, settle
from tunewise.training.settings import TrainingSettings

TASK = Classification(text=("text",), label="label")
ROWS = [Example("a", ("the room is good",), 2), Example("b", ("bad bed",), 0)]


def step(model: Model, method: Adaptation, training: TrainingSettings) -> tuple[float, list]:
    torch.manual_seed(1)
    compute_as(model, training)
    method.prepare(model)
    settle(model, training)
    training_mode(model)
    batch = TASK.collate(TASK.encode(ROWS, model.processor, max_length=20), model.processor)
    torch.manual_seed(2)
    loss = TASK.loss(model.module, batch).total
    loss.backward()
    return loss.item(), [w.grad for w in model.module.parameters() if w.requires_grad]


@pytest.mark.parametrize(
    "method",
    [Full(), LoRA(rank=2, dropout=0.3), PrefixTuning(length=3)],
    ids=["full", "lora", "prefix"],
)
@pytest.mark.parametrize("family", ["bert", "gpt2", "llama"])
@pytest.mark.parametrize("pooling", ["library", "mean"])
def test_blocks_computed_again_give_the_same_gradient_under_dropout(
    tiny: Callable[..., Model], family: str, method: Adaptation, pooling: str
) -> None:
    if pooling == "mean" and family != "bert":
        pytest.skip("the trunk is the same")
    plain = step(tiny(family, dropout=0.2, pooling=pooling), method, TrainingSettings())
    again = step(
        tiny(family, dropout=0.2, pooling=pooling),
        method,
        TrainingSettings(gradient_checkpointing=True),
    )
    assert plain[0] == again[0]
    for one, other in zip(plain[1], again[1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("method", [Full(), LoRA(rank=2)], ids=["full", "lora"])
@pytest.mark.parametrize("family", ["bert", "gpt2", "llama"])
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_sixteen_bits_round_and_parameters_keep_thirty_two(
    tiny: Callable[..., Model],
    family: str,
    method: Adaptation,
    precision: Literal["bfloat16", "float16"],
) -> None:
    plain = step(tiny(family, dropout=0.0), method, TrainingSettings())
    half = step(tiny(family, dropout=0.0), method, TrainingSettings(precision=precision))
    assert half[0] != plain[0]
    assert half[0] == pytest.approx(plain[0], rel=0.05)
    assert all(gradient.dtype == torch.float32 for gradient in half[1])
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("method", [Full(), LoRA(rank=2, dropout=0.3)], ids=["full", "lora"])
@pytest.mark.parametrize("family", ["bert", "gpt2", "llama"])
def test_float16_is_near_float32_under_the_same_dropout(
    tiny: Callable[..., Model], family: str, method: Adaptation
) -> None:
    plain = step(tiny(family, dropout=0.2), method, TrainingSettings())
    half = step(tiny(family, dropout=0.2), method, TrainingSettings(precision="float16"))
    assert half[0] == pytest.approx(plain[0], rel=0.005)
    # A key's bias shifts all scores of a query alike: its gradient is nothing but rounding, so
    # that each tensor is held against the largest of all as well.
    least = 0.01 * max(float(gradient.abs().max()) for gradient in plain[1])
    for one, other in zip(plain[1], half[1], strict=True):
        largest = max(float(one.abs().max()), least)
        torch.testing.assert_close(one, other, rtol=0.0, atol=0.02 * largest)
