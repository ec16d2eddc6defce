from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.decoding.models import causal

from tunewise.backbones.model import Model
from tunewise.methods.lora import LoRA
from tunewise.methods.lora_layer import LoRALinear


def with_lora(family: str) -> Model:
    """A causal model with corrections that count."""
    module = causal(family)
    model = Model(module, None, {"text": module.base_model_prefix})
    LoRA(rank=2, targets=("attention", "mlp")).prepare(model)
    torch.manual_seed(5)
    for layer in module.modules():
        if isinstance(layer, LoRALinear):
            torch.nn.init.normal_(layer.B, std=0.2)
    return model


@pytest.fixture
def lora() -> Callable[[str], Model]:
    return with_lora


@pytest.fixture
def adapted() -> Callable[[str], Any]:
    return lambda family: with_lora(family).module
