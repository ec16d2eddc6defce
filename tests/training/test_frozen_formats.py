"""Frozen matrices in the format of products: half the memory, the same training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
import torch
from tests.conftest import CONFIGURATIONS, OPTIONS, tokenizer
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM

from tunewise.backbones.load import build, build_writer
from tunewise.backbones.memory_saving import compute_in, store_frozen_in
from tunewise.backbones.model import Model
from tunewise.backbones.modules import linear_layers
from tunewise.backbones.transformers_logging import quiet
from tunewise.export.artifact import in_format_of_checkpoint
from tunewise.methods.base import Adaptation
from tunewise.methods.frozen import check_base, write_base
from tunewise.methods.full import Full
from tunewise.methods.last_layers import LastLayers
from tunewise.methods.lora import LoRA
from tunewise.methods.lora_layer import LoRALinear
from tunewise.methods.peft import PEFTMethod
from tunewise.methods.prefix import PrefixTuning
from tunewise.training.assembly import prepared_model, settle
from tunewise.training.settings import TrainingSettings

KIND = torch.bfloat16
IDS = torch.tensor([[2, 7, 4, 9, 3], [2, 5, 6, 3, 0]])
METHODS = [Full(), LoRA(rank=2, dropout=0.3), PrefixTuning(length=3), LastLayers(count=1)]
NAMES = [method.name for method in METHODS]


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, torch.dtype], Path]:
    """The folder of a language model whose checkpoint is in a format."""

    def make(family: str, kind: torch.dtype) -> Path:
        folder = tmp_path_factory.mktemp(family)
        torch.manual_seed(0)
        config = AutoConfig.for_model(family, **CONFIGURATIONS[family], tie_word_embeddings=True)
        with quiet():
            AutoModelForCausalLM.from_config(config).to(kind).save_pretrained(folder)
            tokenizer().save_pretrained(folder)
        return folder

    return make


def step(model: Model, method: Adaptation, *, stored: bool) -> tuple[float, list[Tensor]]:
    """Loss and gradients of one step in bfloat16, with frozen matrices in it or in float32."""
    compute_in(model, KIND)
    torch.manual_seed(1)
    method.prepare(model)
    if stored:
        store_frozen_in(model, KIND)
    model.module.train()
    torch.manual_seed(2)
    labels = IDS if model.writes else torch.tensor([2, 0])
    mask = (IDS != 0).long()
    loss = model.module(input_ids=IDS, attention_mask=mask, labels=labels).loss
    loss.backward()
    trained = (weight for weight in model.module.parameters() if weight.requires_grad)
    return loss.item(), [weight.grad for weight in trained if weight.grad is not None]


def same(one: tuple[float, list[Tensor]], other: tuple[float, list[Tensor]]) -> None:
    assert one[0] == other[0]
    for left, right in zip(one[1], other[1], strict=True):
        assert left.dtype == torch.float32
        assert torch.equal(left, right)


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
@pytest.mark.parametrize("family", ["bert", "gpt2", "llama"])
def test_a_step_is_the_same_to_the_bit(
    checkpoint: Callable[[str], Path], family: str, method: Adaptation
) -> None:
    folder = str(checkpoint(family))
    one, other = (build(folder, options=OPTIONS, seed=1, dropout=0.2) for _ in range(2))
    same(step(one, method, stored=True), step(other, method, stored=False))


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float32], ids=str)
def test_so_it_is_of_a_language_model_that_was_loaded_as_its_checkpoint_is(
    writer: Callable[[str, torch.dtype], Path], kind: torch.dtype, method: Adaptation
) -> None:
    folder = str(writer("llama", kind))
    kept = build_writer(folder, seed=0, keep=KIND)
    assert {weight.dtype for weight in kept.module.parameters()} == {kind}
    assert kept.stored == kind
    whole = build_writer(folder, seed=0)
    assert {weight.dtype for weight in whole.module.parameters()} == {torch.float32}
    same(step(kept, method, stored=True), step(whole, method, stored=False))


def test_what_is_frozen_takes_half_the_bytes_and_what_is_trained_four_each(
    writer: Callable[[str, torch.dtype], Path],
) -> None:
    model = build_writer(str(writer("llama", KIND)), seed=0, keep=KIND)
    step(model, LoRA(rank=2), stored=True)
    for name, weight in model.module.named_parameters():
        small = weight.requires_grad or weight.ndim < 2
        assert weight.dtype == (torch.float32 if small else KIND), name
    module: Any = model.module
    assert module.lm_head.weight is module.model.embed_tokens.weight


def test_a_table_of_embeddings_is_rounded_only_where_its_checkpoint_is(
    writer: Callable[[str, torch.dtype], Path],
) -> None:
    model = build_writer(str(writer("llama", torch.float32)), seed=0, keep=KIND)
    step(model, LoRA(rank=2), stored=True)
    module: Any = model.module
    assert module.model.embed_tokens.weight.dtype == torch.float32
    layers = linear_layers(model).items()
    assert {layer.weight.dtype for path, layer in layers if path != "lm_head"} == {KIND}


def test_a_checkpoint_of_several_formats_is_loaded_in_float32(
    writer: Callable[[str, torch.dtype], Path], tmp_path: Path
) -> None:
    source = writer("llama", KIND)
    mixed = AutoModelForCausalLM.from_pretrained(source, dtype=KIND)
    mixed.model.norm.float()
    with quiet():
        mixed.save_pretrained(tmp_path)
        tokenizer().save_pretrained(tmp_path)
    model = build_writer(str(tmp_path), seed=0, keep=KIND)
    assert {weight.dtype for weight in model.module.parameters()} == {torch.float32}


def test_an_adapter_of_peft_reads_the_matrix_as_it_was(
    checkpoint: Callable[[str], Path],
) -> None:
    model = build(str(checkpoint("bert")), options=OPTIONS, seed=1)
    step(model, PEFTMethod("OFT", {"oft_block_size": 4}), stored=True)
    layers: list[Any] = [layer for layer in model.module.modules() if is_adapted(layer)]
    inside = [layer.base_layer.weight for layer in layers]
    assert {weight.dtype for weight in inside} == {torch.float32}


def is_adapted(layer: torch.nn.Module) -> bool:
    return hasattr(layer, "base_layer")


def test_an_artifact_fits_its_base_in_every_precision(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    def made(precision: Literal["float32", "bfloat16"]) -> Model:
        model = build(str(checkpoint("bert")), options=OPTIONS, seed=1)
        training = TrainingSettings(precision=precision)
        parts: Any = SimpleNamespace(training=training, seed=0, build_model=lambda: model)
        return prepared_model(parts, LoRA(rank=2))

    half, whole = made("bfloat16"), made("float32")
    module: Any = half.module
    assert module.bert.encoder.layer[0].attention.self.query.base.weight.dtype == KIND
    write_base(half, tmp_path)
    check_base(whole, tmp_path)


def test_what_is_handed_over_has_the_format_of_its_checkpoint(
    writer: Callable[[str, torch.dtype], Path],
) -> None:
    half, whole = (build_writer(str(writer("llama", k)), seed=0) for k in (KIND, torch.float32))
    rounded = in_format_of_checkpoint(half.module, half, may_round=False)  # it loses nothing
    assert {weight.dtype for weight in rounded.parameters()} == {KIND}
    assert {weight.dtype for weight in half.module.parameters()} == {torch.float32}
    assert in_format_of_checkpoint(whole.module, whole, may_round=True) is whole.module
    with torch.no_grad():
        next(half.module.parameters()).add_(1e-5)
    assert in_format_of_checkpoint(half.module, half, may_round=False) is half.module
    trained = in_format_of_checkpoint(half.module, half, may_round=True)
    assert {weight.dtype for weight in trained.parameters()} == {KIND}


def test_folding_rounds_once() -> None:
    torch.manual_seed(0)
    layer = LoRALinear(torch.nn.Linear(16, 8).to(KIND), rank=2, alpha=4.0)
    torch.nn.init.normal_(layer.B)
    base: Any = layer.base
    exact = base.weight.float() + layer.scale * layer.B @ layer.A
    assert torch.equal(layer.merged().weight, exact.to(KIND))


def test_a_head_alone_leaves_its_backbone_in_float32(tiny: Callable[..., Model]) -> None:
    """Its outputs are stored once, for every precision."""
    model = tiny("bert")
    for name, weight in model.module.named_parameters():
        weight.requires_grad_(name in model.head)
    settle(model, TrainingSettings(precision="bfloat16"))
    assert {weight.dtype for weight in model.module.parameters()} == {torch.float32}
