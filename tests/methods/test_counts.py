"""Counts of trainable parameters for the published models, from their configurations alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from tunewise.backbones.model import Model
from tunewise.backbones.pooling import PooledClassifier
from tunewise.methods.base import Adaptation
from tunewise.methods.full import Full
from tunewise.methods.head import Head
from tunewise.methods.lora import LoRA
from tunewise.methods.prefix import PrefixTuning

BERT = ("bert", {"vocab_size": 30522})
ROBERTA = (
    "roberta",
    {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1},
)
TINYBERT = (
    "bert",
    {
        "vocab_size": 30522,
        "hidden_size": 312,
        "num_hidden_layers": 4,
        "intermediate_size": 1200,
        "num_attention_heads": 12,
    },
)
DISTILBERT = ("distilbert", {"vocab_size": 30522})
GPT2: tuple[str, dict[str, Any]] = ("gpt2", {})
QV = ("query", "value")

TRAINED: list[tuple[Any, int, str, Adaptation, int]] = [
    (BERT, 5, "library", Full(), 109_486_085),
    (BERT, 5, "library", Head(), 3_845),
    (BERT, 5, "library", LoRA(rank=1, targets=QV), 40_709),
    (BERT, 5, "library", LoRA(rank=16, targets=QV), 593_669),
    (BERT, 5, "library", LoRA(rank=256, targets=QV), 9_441_029),
    (ROBERTA, 3, "library", Full(), 124_647_939),
    (ROBERTA, 3, "library", LoRA(rank=8, targets=QV), 887_811),
    (TINYBERT, 3, "library", Full(), 14_351_187),
    (TINYBERT, 3, "library", LoRA(rank=8, targets=QV), 40_875),
    (ROBERTA, 2, "mean", Head(), 1_538),
    (ROBERTA, 2, "mean", PrefixTuning(length=128), 99_842),
    (DISTILBERT, 2, "library", Head(), 768 * 768 + 768 + 2 * 768 + 2),
]


@pytest.mark.parametrize(("family", "options", "pooling", "method", "expected"), TRAINED)
def test_trainable_parameters_are_those_published(
    family: Any, options: int, pooling: str, method: Adaptation, expected: int
) -> None:
    model = empty(family, options, pooling)
    method.prepare(model)
    assert count(model, trained_only=True) == expected


@pytest.mark.parametrize(("family", "total"), [(ROBERTA, 124_942_851), (TINYBERT, 14_391_123)])
def test_every_number_is_counted_once(family: Any, total: int) -> None:
    """PEFT's own total counts a frozen copy of the head as well."""
    model = empty(family, 3, "library")
    LoRA(rank=8, targets=QV).prepare(model)
    assert count(model, trained_only=False) == total


@pytest.mark.parametrize(
    ("names", "expected"), [(("c_attn",), 294_912), (("attention+mlp",), 1_179_648)]
)
def test_adapters_of_gpt2(names: tuple[str, ...], expected: int) -> None:
    model = empty(GPT2, 2, "library")
    LoRA(rank=8, targets=names).prepare(model)
    head = 2 * 768
    assert count(model, trained_only=True) - head == expected


def test_gpt2_has_its_published_size() -> None:
    with torch.device("meta"):
        backbone = AutoModel.from_config(AutoConfig.for_model("gpt2"))
    assert sum(parameter.numel() for parameter in backbone.parameters()) == 124_439_808


def empty(family: tuple[str, dict[str, Any]], options: int, pooling: str) -> Model:
    """A model without numbers, whose checkpoint would lack nothing of the backbone."""
    config = AutoConfig.for_model(family[0], **family[1], num_labels=options)
    with torch.device("meta"):
        if pooling == "mean":
            module: Any = PooledClassifier(config)
        else:
            module = AutoModelForSequenceClassification.from_config(config)
    backbone = module.base_model_prefix
    head = [name for name, _ in module.named_parameters() if not name.startswith(f"{backbone}.")]
    processor = SimpleNamespace(get_vocab=lambda: {"a": 5, "b": 6}, all_special_ids=[0])
    return Model(module, processor, {"text": backbone}, head)


def count(model: Model, *, trained_only: bool) -> int:
    numbers = model.module.parameters()
    return sum(p.numel() for p in numbers if p.requires_grad or not trained_only)
