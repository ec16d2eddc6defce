"""Counted floating-point operations against the formulas, per real token of a step."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from benchmarks.memory import OPTIONS, predicted
from transformers import AutoConfig

from tunewise.backbones.shapes import build_shape
from tunewise.costs.memory import StorageCounter
from tunewise.estimate.step_shape import StepShape
from tunewise.methods.base import Adaptation
from tunewise.methods.full import Full
from tunewise.methods.head import Head
from tunewise.methods.lora import LoRA
from tunewise.methods.prefix import PrefixTuning
from tunewise.training.settings import TrainingSettings

L, d, s, EXAMPLES, RANK, PREFIX = 6, 64, 32, 4, 4, 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    AutoConfig.for_model(
        "bert",
        vocab_size=50,
        hidden_size=d,
        num_hidden_layers=L,
        num_attention_heads=4,
        intermediate_size=4 * d,
    ).save_pretrained(tmp_path)
    return tmp_path


N = L * 12 * d * d  # weights of the blocks' matrices
# Of the last block the head reads the first token: keys and values are of all, the rest of one.
READ = (L - 1) * 12 * d * d + 2 * d * d + 10 * d * d / s  # weights a token passes
ATTENDED = 12 * (L - 1) * s * d + 12 * d


def work(folder: Path, method: Adaptation) -> float:
    """FLOPs per token of forward and backward pass."""
    steps = TrainingSettings(optimizer="adamw")
    seen = predicted(folder, method, steps, StepShape(EXAMPLES, s, evaluated=2))
    flops = seen.memory.flops
    return (flops["forward"] + flops["backward"]) / (EXAMPLES * s)


def test_full_fine_tuning_takes_six_operations_a_weight(folder: Path) -> None:
    assert work(folder, Full()) == pytest.approx(6 * READ + ATTENDED, rel=0.01)


def test_lora_forms_no_gradient_of_frozen_weights(folder: Path) -> None:
    trained = (2 * L - 1 + 1 / s) * 2 * d * RANK  # the last query is of one token
    # Nothing is trained before the first block: its queries, keys and values pass nothing on.
    expected = 4 * READ + ATTENDED + 6 * trained - 3 * 2 * d * d
    assert work(folder, LoRA(rank=RANK, targets=("query", "value"))) == pytest.approx(
        expected, rel=0.01
    )


def test_a_prefix_costs_a_frozen_pass_over_more_positions(folder: Path) -> None:
    longer = (s + PREFIX) / s
    expected = longer * (4 * N + 12 * L * (s + PREFIX) * d)
    assert work(folder, PrefixTuning(length=PREFIX)) == pytest.approx(expected, rel=0.01)


def test_a_head_over_stored_features_costs_next_to_nothing(folder: Path) -> None:
    assert work(folder, Head()) < 0.001 * (2 * N)


def test_the_attention_kernel_without_dropout_counts_the_same_products(folder: Path) -> None:
    with_dropout = predicted(
        folder, Full(), TrainingSettings(), StepShape(EXAMPLES, s, evaluated=2)
    )
    without = predicted(
        folder, Full(), TrainingSettings(dropout=0.0), StepShape(EXAMPLES, s, evaluated=2)
    )
    assert with_dropout.memory.flops["forward"] == without.memory.flops["forward"]
    # The kernel computes the scores again in the backward pass instead of keeping them.
    again = 2 * ((L - 1) * s + 1) * s * d * EXAMPLES
    assert without.memory.flops["backward"] == with_dropout.memory.flops["backward"] + again


def test_products_in_place_are_counted() -> None:
    with StorageCounter() as counter:
        counter.enter_phase("forward")
        torch.zeros(3, 5).addmm_(torch.ones(3, 4), torch.ones(4, 5))
        torch.zeros(2, 3, 5).baddbmm_(torch.ones(2, 3, 4), torch.ones(2, 4, 5))
    assert counter.flops["forward"] == 2 * 3 * 4 * 5 + 2 * 2 * 3 * 4 * 5


def test_a_shape_needs_no_weights(folder: Path) -> None:
    model = build_shape(folder, options=OPTIONS)
    assert all(weight.is_meta for weight in model.module.parameters())
