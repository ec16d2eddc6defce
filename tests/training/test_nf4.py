"""Frozen matrices in four bits: the format of bitsandbytes, a plain layer's product, QLoRA."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from benchmarks.memory import measured, predicted
from tests.conftest import CONFIGURATIONS
from torch import nn
from transformers import AutoConfig
from transformers.pytorch_utils import Conv1D

from tunewise.backbones.memory_saving import compute_in
from tunewise.backbones.model import Model
from tunewise.backbones.nf4 import NF4Linear, quantizable, quantize_frozen
from tunewise.core.errors import InputError, MissingExtra
from tunewise.costs.parameters import parameter_counts
from tunewise.estimate.step_shape import StepShape
from tunewise.methods.full import Full
from tunewise.methods.lora import LoRA
from tunewise.methods.lora_layer import LoRALinear
from tunewise.methods.peft import PEFTMethod
from tunewise.training.settings import TrainingSettings

functional: Any = pytest.importorskip("bitsandbytes.functional", reason="the extra quantize")


def quantized(layer: nn.Linear | Conv1D) -> NF4Linear:
    return NF4Linear(layer.requires_grad_(False), functional.create_dynamic_map())


@pytest.fixture(params=["linear", "conv1d"])
def layer(request: pytest.FixtureRequest) -> nn.Linear | Conv1D:
    torch.manual_seed(0)
    made = nn.Linear(96, 80) if request.param == "linear" else Conv1D(80, 96)
    nn.init.normal_(made.weight, std=0.05)
    nn.init.normal_(made.bias)
    return made


def test_each_block_is_rounded_to_the_nearest_of_sixteen(layer: nn.Linear | Conv1D) -> None:
    """Also where a row is no whole number of blocks, which the library's own layer gets wrong."""
    W = layer.weight.detach()
    W = (W.T if isinstance(layer, Conv1D) else W).contiguous()
    blocks = W.reshape(-1, 64)
    levels = functional.get_4bit_type("nf4", device="cpu")
    largest = blocks.abs().amax(1, keepdim=True)
    nearest = (blocks / largest)[..., None].sub(levels).abs().argmin(-1)
    ours = quantized(layer)
    found = ours.matrix(torch.float32).reshape(-1, 64)
    # The scales themselves have eight bits.
    torch.testing.assert_close(found, levels[nearest] * largest, rtol=0.02, atol=1e-3)
    assert float((found - blocks).abs().mean() / blocks.abs().mean()) < 0.1
    held = sum(buffer.numel() * buffer.element_size() for buffer in ours.buffers())
    assert 8 * (held - ours.code.numel() * 4) / W.numel() < 4.2  # bits a number


def test_its_numbers_are_those_of_thelibrary() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(128, 80)
    packed, state = functional.quantize_4bit(
        layer.weight.detach(), blocksize=64, compress_statistics=True, quant_type="nf4"
    )
    theirs = functional.dequantize_4bit(packed, state)
    ours = quantized(layer).matrix(torch.float32)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)


def test_a_matrix_of_an_odd_size_keeps_its_shape() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(7, 5, bias=False)
    W = quantized(layer).matrix(torch.float32)
    assert W.shape == (5, 7)
    assert float((W - layer.weight).abs().max()) < 0.2 * float(layer.weight.abs().max())


def test_it_computes_as_a_plain_layer_with_its_numbers(layer: nn.Linear | Conv1D) -> None:
    ours = quantized(layer)
    plain = ours.plain()
    assert type(plain) is type(layer)
    one, other = (torch.randn(3, 5, 96, requires_grad=True) for _ in range(2))
    other.data = one.data.clone()
    ours(one).square().sum().backward()
    plain(other).square().sum().backward()
    torch.testing.assert_close(ours(one), plain(other))
    torch.testing.assert_close(one.grad, other.grad)


def test_a_correction_folds_into_its_numbers(layer: nn.Linear | Conv1D) -> None:
    lora = LoRALinear(layer, rank=4, alpha=8.0)
    nn.init.normal_(lora.B, std=0.1)
    lora.base = quantized(layer)
    x = torch.randn(7, 96)
    torch.testing.assert_close(lora.merged()(x), lora(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["bert", "gpt2", "llama"])
def test_only_frozen_matrices_are_packed_and_every_number_counts(
    tiny: Callable[..., Model], family: str
) -> None:
    model = tiny(family)
    LoRA(rank=2).prepare(model)
    before = parameter_counts(model.module, model.head)
    quantize_frozen(model)
    after = parameter_counts(model.module, model.head, in_four_bits=model.in_four_bits)
    assert after == before
    packed = {path for path, m in model.module.named_modules() if isinstance(m, NF4Linear)}
    assert packed and all(path.endswith(".base") for path in packed)
    assert not any(path.startswith(tuple(model.head)) for path in packed)


def test_a_model_folded_has_plain_layers_and_the_same_answers(tiny: Callable[..., Model]) -> None:
    model = tiny("llama")
    method = LoRA(rank=2, targets=("query",))
    method.prepare(model)
    quantize_frozen(model)
    for layer in model.module.modules():
        if isinstance(layer, LoRALinear):
            nn.init.normal_(layer.B)
    ids = torch.tensor([[2, 7, 4, 9, 3]])
    with torch.no_grad():
        before = model.module(input_ids=ids).logits
        plain = method.merged(model)
        assert not any(isinstance(m, (NF4Linear, LoRALinear)) for m in plain.modules())
        torch.testing.assert_close(plain(input_ids=ids).logits, before, rtol=1e-4, atol=1e-5)


def test_it_learns_in_bfloat16(tiny: Callable[..., Model]) -> None:
    model = tiny("llama")
    compute_in(model, torch.bfloat16)
    LoRA(rank=2).prepare(model)
    quantize_frozen(model)
    ids, labels = torch.tensor([[2, 7, 4, 9, 3]]), torch.tensor([1])
    optimizer = torch.optim.AdamW([w for w in model.module.parameters() if w.requires_grad], 0.01)
    losses = []
    for _ in range(8):
        loss = model.module(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("family", ["bert", "gpt2", "llama"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_memory_of_a_step_is_known_before_it(
    tmp_path: Path, family: str, precision: Any
) -> None:
    settings = {**CONFIGURATIONS[family]}
    settings |= {key: 64 for key in ("hidden_size", "n_embd") if key in settings}
    AutoConfig.for_model(family, **settings).save_pretrained(tmp_path)
    training = TrainingSettings(quantize="nf4", precision=precision)
    shape = StepShape(4, 20, evaluated=4)
    expected = predicted(tmp_path, LoRA(rank=2), training, shape).memory
    found = measured(tmp_path, LoRA(rank=2), training, shape).memory
    assert expected.most_bytes == pytest.approx(found.most_bytes, rel=0.02)
    assert expected.weights_bytes == pytest.approx(found.weights_bytes, rel=0.02)
    plain = predicted(tmp_path, LoRA(rank=2), TrainingSettings(precision=precision), shape).memory
    assert expected.weights_bytes < plain.weights_bytes


def test_what_trains_all_or_reads_its_matrices_itself_is_refused(
    tiny: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, wrapped = tiny("bert"), tiny("bert")
    Full().prepare(whole)
    with pytest.raises(InputError, match="it trains all"):
        quantizable(whole)
    PEFTMethod("IA3").prepare(wrapped)
    with pytest.raises(InputError, match="PEFT's adapters"):
        quantizable(wrapped)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'tunewise\[quantize\]'"):
        quantizable(copy.copy(whole))
