from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from tunewise.foundations import autodiff
from tunewise.foundations.lora_algebra import (
    Layer,
    backward,
    forward,
    lora_scale,
    merged,
    rslora_scale,
    wengert_list,
)
from tunewise.foundations.lora_costs import LinearLayer

LEADING = [(), (5,), (2, 3)]


def random_layer(seed: int, d: int = 7, k: int = 5, r: int = 2) -> Layer:
    rng = np.random.default_rng(seed)
    return Layer(rng.normal(size=(d, k)), rng.normal(size=(r, k)), rng.normal(size=(d, r)), s=0.5)


@pytest.mark.parametrize("leading", LEADING, ids=str)
def test_the_merged_matrix_has_the_same_function(leading: tuple[int, ...]) -> None:
    layer, x = random_layer(0), np.random.default_rng(1).normal(size=(*leading, 5))
    np.testing.assert_allclose(x @ merged(layer).T, forward(layer, x), atol=1e-12)


def test_a_layer_starts_as_the_frozen_one() -> None:
    layer = random_layer(0)._replace(B=np.zeros((7, 2)))
    x, g = np.ones((3, 5)), np.ones((3, 7))
    np.testing.assert_array_equal(forward(layer, x), x @ layer.W.T)
    assert not backward(layer, x, g).A.any()
    assert backward(layer, x, g).B.any()


@pytest.mark.parametrize("leading", LEADING, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_the_backward_equations_are_those_of_automatic_differentiation(
    leading: tuple[int, ...], seed: int
) -> None:
    layer, rng = random_layer(seed), np.random.default_rng(seed)
    x, g = rng.normal(size=(*leading, 5)), rng.normal(size=(*leading, 7))
    A, B, inputs = (torch.tensor(a, requires_grad=True) for a in (layer.A, layer.B, x))
    y = inputs @ (torch.tensor(layer.W) + layer.s * B @ A).T
    theirs = torch.autograd.grad(y, (A, B, inputs), torch.tensor(g))
    for ours, d in zip(backward(layer, x, g), theirs, strict=True):
        np.testing.assert_allclose(ours, d.numpy(), atol=1e-12)


@pytest.mark.parametrize("leading", LEADING, ids=str)
def test_the_wengert_list_gives_the_same(leading: tuple[int, ...]) -> None:
    layer, rng = random_layer(0), np.random.default_rng(1)
    x, g = rng.normal(size=(*leading, 5)), rng.normal(size=(*leading, 7))
    steps = wengert_list(layer.s)
    given_ = {"W": layer.W, "A": layer.A, "B": layer.B, "x": x}
    values = autodiff.forward(steps, given_)
    found = autodiff.backward(steps, values, g)
    np.testing.assert_allclose(values["y"], forward(layer, x), atol=1e-12)
    for name, ours in backward(layer, x, g)._asdict().items():
        np.testing.assert_allclose(found[name], ours, atol=1e-12)


def test_the_scales_at_alpha_32_by_hand() -> None:
    assert [lora_scale(32, r) for r in (1, 16, 256)] == [32, 2, 0.125]
    assert [rslora_scale(32, r) for r in (1, 16, 256)] == [32, 8, 2]


@given(d=st.integers(1, 5000), k=st.integers(1, 5000), r=st.integers(1, 512))
def test_fraction_and_reduction_are_inverse(d: int, k: int, r: int) -> None:
    layer = LinearLayer(d, k, rank=r)
    assert layer.ratio * layer.reduction == pytest.approx(1)
    assert (layer.ratio < 1) == (r < layer.break_even_rank)


def test_parameter_counts_by_hand() -> None:
    assert LinearLayer(768, 768, rank=8).lora == 12_288
    assert LinearLayer(1024, 1024, rank=8).ratio == 0.015625
    assert LinearLayer(1024, 1024, rank=8).reduction == 64


@pytest.mark.parametrize(("d", "k", "r", "tokens"), [(12, 20, 3, 4), (16, 16, 1, 7)])
def test_operations_are_those_that_pytorch_counts(d: int, k: int, r: int, tokens: int) -> None:
    one = LinearLayer(d, k, rank=r)
    x = torch.randn(tokens, k, requires_grad=True)
    W = torch.randn(d, k, requires_grad=True)
    A, B = torch.randn(r, k, requires_grad=True), torch.randn(d, r, requires_grad=True)

    with FlopCounterMode(display=False) as full:
        (x @ W.T).sum().backward()
    with FlopCounterMode(display=False) as lora:
        (x @ W.detach().T + (x @ A.T) @ B.T).sum().backward()
    with FlopCounterMode(display=False) as separate, torch.no_grad():
        x @ W.T + (x @ A.T) @ B.T
    with FlopCounterMode(display=False) as merge, torch.no_grad():
        B @ A

    assert full.get_total_flops() == tokens * one.operations_full()
    assert lora.get_total_flops() == tokens * one.operations_lora()
    assert separate.get_total_flops() == tokens * one.operations_separate()
    assert merge.get_total_flops() == one.operations_to_merge() - 2 * d * k  # scale and add


def test_bytes_are_those_that_adam_holds() -> None:
    one = LinearLayer(12, 20, rank=3)
    for trained, frozen, expected in [
        ([(12, 20)], [], one.bytes_full()),
        ([(3, 20), (12, 3)], [(12, 20)], one.bytes_lora()),
    ]:
        weights = [torch.nn.Parameter(torch.zeros(shape)) for shape in trained]
        optimizer = torch.optim.Adam(weights)
        for w in weights:
            w.grad = torch.zeros_like(w)
        optimizer.step()
        held = [torch.zeros(shape) for shape in frozen]
        for w in weights:
            assert w.grad is not None
            state = optimizer.state[w]
            held += [w, w.grad, state["exp_avg"], state["exp_avg_sq"]]
        assert sum(t.nbytes for t in held) == expected


def test_a_rank_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="rank = 0: a whole number from 1 up"):
        LinearLayer(4, 4, rank=0)
