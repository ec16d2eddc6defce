"""Fast dropout and attention: the right frequencies, the same function, padding ignored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tunewise.backbones import fast_cpu, fast_dropout
from tunewise.backbones.fast_cpu import NAME, fast_attention, speed_up
from tunewise.backbones.fast_dropout import FastDropout, keep_mask
from tunewise.backbones.model import Model

CPU = torch.device("cpu")
OWN_ATTENTION = ("bert", "roberta", "distilbert", "modernbert", "gpt2", "llama", "qwen2", "phi")
FAMILIES = (*OWN_ATTENTION, "deberta-v2")
Tiny = Callable[..., Model]


@pytest.mark.parametrize("p", [0.1, 0.4, 0.5, 0.9])
def test_every_lane_of_the_mask_drops_as_often_as_asked(p: float) -> None:
    torch.manual_seed(0)
    count = 1 << 18
    lanes = keep_mask(torch.Size([count, 4]), p, CPU).float().mean(dim=0)  # four to a word
    five_sigma = 5 * (p * (1 - p) / count) ** 0.5
    torch.testing.assert_close(lanes, torch.full((4,), 1 - p), atol=five_sigma + 1e-5, rtol=0)


def test_the_mask_follows_the_default_generator() -> None:
    torch.manual_seed(3)
    first, second = (keep_mask(torch.Size([5, 7]), 0.5, CPU) for _ in range(2))
    torch.manual_seed(3)
    assert torch.equal(keep_mask(torch.Size([5, 7]), 0.5, CPU), first)
    assert not torch.equal(first, second)


def test_dropout_keeps_the_mean_and_its_gradient_is_its_mask() -> None:
    torch.manual_seed(0)
    x = torch.ones(400, 400, requires_grad=True)
    y = FastDropout(0.4)(x)
    y.sum().backward()
    assert x.grad is not None
    assert sorted(y.unique().tolist()) == pytest.approx([0, 1 / 0.6])
    assert torch.equal(x.grad, y.detach())
    assert y.mean().item() == pytest.approx(1, abs=0.02)


def test_dropout_does_nothing_in_evaluation() -> None:
    x = torch.randn(3, 4)
    assert FastDropout(0.5).eval()(x) is x


@pytest.mark.parametrize("masked", [True, False])
def test_attention_with_dropout_has_the_gradients_of_the_formula(masked: bool) -> None:
    query, key, value = (torch.randn(2, 3, 5, 4, dtype=torch.float64) for _ in range(3))
    mask = torch.zeros(2, 1, 5, 5, dtype=torch.float64)
    mask[1, :, :, 3:] = torch.finfo(torch.float64).min

    def formula(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = q @ k.mT * 0.7 + (mask if masked else 0)
        keep = keep_mask(torch.Size([6, 5, 5]), 0.3, CPU).view(2, 3, 5, 5)
        return (scores.softmax(-1) * keep / 0.7 @ v).transpose(1, 2)

    def ours(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        given = mask if masked else None
        module = nn.Module()
        return fast_attention(module, q, k, v, given, dropout=0.3, scaling=0.7, is_causal=False)[0]

    results = []
    for function in (formula, ours):
        torch.manual_seed(0)
        inputs = [x.clone().requires_grad_() for x in (query, key, value)]
        output = function(*inputs)
        (output * torch.arange(4.0, dtype=torch.float64)).sum().backward()
        results.append([output, *(x.grad for x in inputs)])
    torch.testing.assert_close(results[1], results[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", ["library", "mean"])
def test_padding_changes_nothing(tiny: Tiny, family: str, pooling: str) -> None:
    model = tiny(family, pooling=pooling)
    speed_up(model.module)
    short, batch = inputs(model)
    with torch.no_grad():
        alone = model.module(**short).logits
        padded = model.module(**batch).logits[:1]
    torch.testing.assert_close(padded, alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", OWN_ATTENTION)
def test_padding_changes_nothing_where_attention_drops(
    tiny: Tiny, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way taken in training, with every element kept so that it can be compared."""
    keep_all(monkeypatch)
    model = tiny(family, dropout=0.5)
    speed_up(model.module)
    short, batch = inputs(model)
    model.module.train()
    alone = model.module(**short).logits
    padded = model.module(**batch).logits[:1]
    torch.testing.assert_close(padded, alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", OWN_ATTENTION)
def test_training_and_evaluation_are_one_function_without_dropout(
    tiny: Tiny, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, reference = tiny(family, dropout=0.5), tiny(family, dropout=0.0)
    keep_all(monkeypatch)
    speed_up(model.module)
    assert getattr(model.module.config, "_attn_implementation") == NAME  # noqa: B009
    _, batch = inputs(model)
    expected = reference.module(**batch).logits
    torch.testing.assert_close(model.module(**batch).logits, expected, rtol=0, atol=1e-5)
    model.module.train()
    torch.testing.assert_close(model.module(**batch).logits, expected, rtol=0, atol=1e-5)


def test_every_dropout_is_replaced(tiny: Tiny) -> None:
    model = tiny("bert", dropout=0.2)
    speed_up(model.module)
    kinds = {type(layer) for layer in model.module.modules() if isinstance(layer, nn.Dropout)}
    assert kinds == {FastDropout}


def test_attention_of_its_own_is_left_alone(tiny: Tiny) -> None:
    model = tiny("deberta-v2")
    speed_up(model.module)
    config: Any = model.module.config
    assert config._attn_implementation == "eager"


def keep_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropout that drops nothing and rescales nothing, on the way that dropout takes."""
    for place in (fast_cpu, fast_dropout):
        monkeypatch.setattr(place, "dropped", lambda x, keep, p: x.clone())


def inputs(model: Model) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A short text alone, and the same text first in a batch beside a longer one."""
    short = torch.tensor([[2, 4, 9, 3]])
    batch = torch.full((2, 9), model.processor.pad_token_id)
    batch[0, :4] = short
    batch[1] = torch.tensor([2, 5, 9, 6, 7, 8, 4, 5, 3])
    mask = torch.ones(2, 9, dtype=torch.long)
    mask[0, 4:] = 0
    return (
        {"input_ids": short, "attention_mask": torch.ones_like(short)},
        {"input_ids": batch, "attention_mask": mask},
    )
