"""Ten families, each adapted in every way of ours: it runs, learns where it should, and no more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import CONFIGURATIONS, OPTIONS, SMALL, tokenizer
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, AutoModel

from tunewise.backbones.load import build
from tunewise.backbones.model import Model
from tunewise.backbones.transformers_logging import quiet
from tunewise.core.errors import InputError
from tunewise.methods.base import METHODS
from tunewise.methods.lora import LoRA
from tunewise.methods.peft import PEFTMethod
from tunewise.methods.prefix import PrefixTuning
from tunewise.methods.trained import trained_names

Family = Callable[[str], Model]
MINILM = SMALL | {"hidden_size": 24, "num_attention_heads": 12, "num_hidden_layers": 3}
FAMILIES = [*CONFIGURATIONS, "minilm"]
NO_BIASES = ("llama", "modernbert")  # neither in attention, MLP nor norms
WAYS: list[tuple[str, dict[str, Any]]] = [
    ("lora", {"rank": 2, "targets": ("attention",)}),
    ("prefix", {"length": 3}),
    ("bitfit", {}),
    ("last-layers", {"count": 1}),
    ("head", {}),
    ("full", {}),
]
every_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture
def model_of(tiny: Callable[..., Model], tmp_path: Path) -> Family:
    def make(family: str) -> Model:
        if family != "minilm":
            return tiny(family, dropout=0.0)
        torch.manual_seed(0)
        with quiet():
            AutoModel.from_config(AutoConfig.for_model("bert", **MINILM)).save_pretrained(tmp_path)
            tokenizer().save_pretrained(tmp_path)
        return build(str(tmp_path), options=OPTIONS, seed=1, dropout=0.0)

    return make


@every_family
@pytest.mark.parametrize(("name", "settings"), WAYS, ids=[name for name, _ in WAYS])
def test_a_step_reaches_every_trainable_parameter_and_no_other(
    model_of: Family, family: str, name: str, settings: dict[str, Any]
) -> None:
    model = model_of(family)
    method: Any = METHODS.build(name, settings)
    if name == "bitfit" and family in NO_BIASES:
        with pytest.raises(InputError, match="this model has no biases to train"):
            method.prepare(model)
        return
    torch.manual_seed(0)
    method.prepare(model)
    encoded = model.processor(["the room is good", "a bed"], padding=True, return_tensors="pt")
    inputs = {key: encoded[key] for key in ("input_ids", "attention_mask")}
    cross_entropy(model.module(**inputs).logits, torch.tensor([2, 0])).backward()
    named = dict(model.module.named_parameters())
    assert {path for path, weight in named.items() if weight.grad is not None} == set(
        trained_names(model)
    )
    assert set(model.head) <= set(trained_names(model))


@every_family
def test_a_prefix_trains_as_many_parameters_as_pefts_prompt(model_of: Family, family: str) -> None:
    ours, theirs = model_of(family), model_of(family)
    PrefixTuning(length=3).prepare(ours)
    PEFTMethod("PROMPT_TUNING", {"num_virtual_tokens": 3}).prepare(theirs)
    assert trainable(ours.module) == trainable(theirs.module)


@every_family
def test_lora_trains_as_many_parameters_as_pefts(model_of: Family, family: str) -> None:
    ours, theirs = model_of(family), model_of(family)
    LoRA(rank=2, targets=("attention",)).prepare(ours)
    PEFTMethod("LORA", {"r": 2, "target_modules": ("attention",)}).prepare(theirs)
    assert trainable(ours.module) == trainable(theirs.module)


def trainable(module: Any) -> int:
    return sum(weight.numel() for weight in module.parameters() if weight.requires_grad)
