"""The LoRA layer against its formula and against PEFT's."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from peft import LoraConfig
from peft.tuners.lora import Linear as PeftLinear
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from tunewise.backbones.fast_dropout import keep_mask
from tunewise.methods.lora_layer import Corrections, LoRALinear

TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}  # relative, of the largest number
SHAPES = [(5, 96), (2, 5, 96)]


@pytest.mark.parametrize("kind", TOLERANCE)
@pytest.mark.parametrize("rank", [1, 8, 64])
@pytest.mark.parametrize("base_is", ["linear", "linear without bias", "conv1d"])
@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_and_gradients_are_those_of_peft(
    kind: torch.dtype, rank: int, base_is: str, shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    base = make_base(base_is).to(kind)
    config = LoraConfig(r=rank, lora_alpha=16)
    theirs: Any = PeftLinear(
        base, "default", config, r=rank, lora_alpha=16, fan_in_fan_out=base_is == "conv1d"
    ).to(kind)
    ours = LoRALinear(base, rank=rank, alpha=16)
    with torch.no_grad():
        ours.A.copy_(theirs.lora_A["default"].weight)
        ours.B.normal_()
        theirs.lora_B["default"].weight.copy_(ours.B)
    x = torch.randn(shape, dtype=kind)
    expected = run(theirs, x, [theirs.lora_A["default"].weight, theirs.lora_B["default"].weight])
    for found, wanted in zip(run(ours, x, [ours.A, ours.B]), expected, strict=True):
        allowed = TOLERANCE[kind] * wanted.abs().max().item()
        torch.testing.assert_close(found, wanted, rtol=0, atol=allowed)


@pytest.mark.parametrize("base_is", ["linear", "conv1d"])
def test_with_dropout_the_fast_way_and_the_formula_agree(base_is: str) -> None:
    layer = trained_layer(base_is, dropout=0.3)
    x = torch.randn(2, 5, 96, dtype=torch.float64)
    results = []

    def formula(x: Tensor) -> Tensor:
        return layer.composed(x, keep_mask(x.shape, 0.3, x.device))

    for way in (layer, formula):
        torch.manual_seed(5)
        results.append(run(way, x, [layer.A, layer.B]))
    torch.testing.assert_close(results[0], results[1], rtol=1e-12, atol=1e-12)


def test_the_frozen_weight_gets_no_gradient() -> None:
    layer = trained_layer("linear")
    layer(torch.randn(3, 96, dtype=torch.float64)).sum().backward()
    assert layer.base.weight.grad is None
    assert layer.A.grad is not None


def test_at_the_start_the_layer_is_its_base() -> None:
    base = nn.Linear(96, 80)
    x = torch.randn(3, 96)
    assert torch.equal(LoRALinear(base, rank=4, alpha=8)(x), base(x))


@pytest.mark.parametrize("base_is", ["linear", "conv1d"])
def test_merging_keeps_the_function_and_the_original(base_is: str) -> None:
    layer: Any = trained_layer(base_is)
    x, before = torch.randn(3, 96, dtype=torch.float64), layer.base.weight.clone()
    torch.testing.assert_close(layer.merged()(x), layer(x))
    assert torch.equal(layer.base.weight, before)


def test_a_base_in_sixteen_bits_is_corrected_in_thirty_two() -> None:
    base = nn.Linear(96, 80).to(torch.bfloat16)
    layer = LoRALinear(base, rank=4, alpha=8)
    assert layer.A.dtype == layer.B.dtype == torch.float32
    assert layer(torch.randn(3, 96, dtype=torch.bfloat16)).dtype == torch.bfloat16


def test_the_input_is_kept_once() -> None:
    """A torch composition keeps it for the frozen product and for the low-rank one."""
    layer = trained_layer("linear")
    x = torch.randn(50, 96, dtype=torch.float64, requires_grad=True)
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        layer(x)
    assert sum(tensor.shape == x.shape for tensor in kept) == 1


@pytest.mark.parametrize("base_is", ["linear", "conv1d"])
def test_corrections_side_by_side_are_those_of_each_layer(base_is: str) -> None:
    """Of other ranks and scales as well: outputs, and gradients of inputs, A and B."""
    base = make_base(base_is).to(torch.float64)
    layers = [LoRALinear(base, rank=rank, alpha=alpha) for rank, alpha in ((4, 8), (1, 3), (6, 8))]
    for layer in layers:
        nn.init.normal_(layer.B)
    x = torch.randn(3 * 2, 5, 96, dtype=torch.float64)
    weights = [weight for layer in layers for weight in (layer.A, layer.B)]

    def apart(x: Tensor) -> Tensor:
        pairs = zip(layers, x.chunk(3), strict=True)
        return torch.cat([layer(rows) for layer, rows in pairs])

    alone = run(apart, x, weights)
    for found, wanted in zip(run(partial(Corrections(layers), 2), x, weights), alone, strict=True):
        torch.testing.assert_close(found, wanted)
    with pytest.raises(ValueError, match="reads 1 rows, where 3 trials brought 2 each"):
        Corrections(layers)(2, x[:1])


def make_base(kind: str) -> Any:
    if kind == "conv1d":
        return Conv1D(80, 96)
    return nn.Linear(96, 80, bias="without" not in kind)


def trained_layer(kind: str, dropout: float = 0.0) -> LoRALinear:
    torch.manual_seed(0)
    layer = LoRALinear(make_base(kind).to(torch.float64), rank=4, alpha=8, dropout=dropout)
    nn.init.normal_(layer.B)
    return layer


def run(layer: Any, x: Tensor, weights: list[nn.Parameter]) -> list[Tensor]:
    """The output, and the gradients of the input and the weights."""
    x = x.clone().requires_grad_()
    y = layer(x)
    pull = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape)
    return [y, *torch.autograd.grad((y * pull).sum(), [x, *weights])]
