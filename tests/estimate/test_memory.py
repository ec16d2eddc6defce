"""What is predicted of a step is what is counted in it, for every method and setting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks.memory import IA3, OPTIONS, TASK, measured, predicted
from tests.conftest import CONFIGURATIONS, WORDS
from transformers import AutoConfig

from tunewise.backbones.load import build
from tunewise.backbones.model import Model
from tunewise.backbones.modules import roles
from tunewise.backbones.shapes import build_shape
from tunewise.costs.parameters import parameters_by_group
from tunewise.estimate.fake_tensors import NotPredictable
from tunewise.estimate.memory import applied, predict_memory
from tunewise.estimate.step_shape import StepShape
from tunewise.methods.base import METHODS as BY_NAME
from tunewise.methods.base import Adaptation
from tunewise.methods.bitfit import BitFit
from tunewise.methods.full import Full
from tunewise.methods.head import Head
from tunewise.methods.last_layers import LastLayers
from tunewise.methods.lora import LoRA
from tunewise.methods.prefix import PrefixTuning
from tunewise.training.settings import TrainingSettings

PLAIN = TrainingSettings()
SHAPE = StepShape(8, 20, evaluated=16)
METHODS: list[Adaptation] = [
    *(Full(), Head(), PrefixTuning(length=4), LoRA(rank=2), LoRA(rank=2, dropout=0.1)),
    *(BitFit(), LastLayers(count=1), IA3()),
]


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str], Path]:
    def make(family: str) -> Path:
        settings = {**CONFIGURATIONS[family]}
        settings |= {key: 64 for key in ("hidden_size", "dim", "n_embd") if key in settings}
        AutoConfig.for_model(family, **settings).save_pretrained(tmp_path / family)
        return tmp_path / family

    return make


def named(value: object) -> str:
    return value.__class__.__name__


@pytest.mark.parametrize("method", METHODS, ids=named)
@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2"])
def test_the_memory_of_a_step_is_known_before_it(
    folder: Callable[[str], Path], family: str, method: Adaptation
) -> None:
    agree(folder(family), method, PLAIN, SHAPE)


@pytest.mark.parametrize("family", ["distilbert", "llama", "modernbert"])
def test_other_families_are_predicted_as_well(folder: Callable[[str], Path], family: str) -> None:
    agree(folder(family), LoRA(rank=2), PLAIN, SHAPE)


@pytest.mark.parametrize(
    "training",
    [
        TrainingSettings(gradient_checkpointing=True),
        TrainingSettings(precision="bfloat16"),
        TrainingSettings(optimizer="sgd"),
        TrainingSettings(optimizer="adagrad"),
        TrainingSettings(dropout=0.0),
    ],
    ids=["checkpointing", "bfloat16", "sgd", "adagrad", "no dropout"],
)
@pytest.mark.parametrize("method", [Full(), LoRA(rank=2)], ids=named)
def test_settings_change_the_prediction_as_they_change_the_step(
    folder: Callable[[str], Path], method: Adaptation, training: TrainingSettings
) -> None:
    agree(folder("bert"), method, training, SHAPE)


def agree(folder: Path, method: Adaptation, training: TrainingSettings, shape: StepShape) -> None:
    expected = predicted(folder, method, training, shape)
    found = measured(folder, method, training, shape)
    assert expected.stored_features == found.stored_features
    for phase in found.memory.peaks_bytes:
        foretold, counted = expected.memory.peak_bytes(phase), found.memory.peak_bytes(phase)
        assert foretold == pytest.approx(counted, rel=0.005), phase
    for name in ("trainable", "weights", "gradients", "optimizer", "activations"):
        found_bytes = getattr(found.memory, f"{name}_bytes")
        assert getattr(expected.memory, f"{name}_bytes") == pytest.approx(found_bytes, rel=0.005)
    assert expected.memory.flops == found.memory.flops


def test_each_economy_saves_what_it_promises(folder: Callable[[str], Path]) -> None:
    model = folder("gpt2")  # of whose last block every token is computed
    plain = predicted(model, Full(), PLAIN, SHAPE).memory
    again = predicted(model, Full(), TrainingSettings(gradient_checkpointing=True), SHAPE).memory
    half = predicted(model, Full(), TrainingSettings(precision="bfloat16"), SHAPE).memory
    parts = predicted(model, Full(), PLAIN, StepShape(8, 20, parts=4, evaluated=16)).memory
    assert again.activations_bytes < 0.4 * plain.activations_bytes
    assert half.activations_bytes < 0.9 * plain.activations_bytes
    assert parts.activations_bytes < 0.3 * plain.activations_bytes
    assert sum(again.flops.values()) > 1.15 * sum(plain.flops.values())


def test_a_checkpoint_and_its_configuration_give_the_same_shape(
    checkpoint: Callable[[str], Path],
) -> None:
    for family in ("bert", "gpt2", "distilbert"):
        loaded = build(str(checkpoint(family)), options=OPTIONS, seed=0)
        shape = build_shape(checkpoint(family), options=OPTIONS)
        assert shape.head == loaded.head
        assert shape.max_length == loaded.max_length
        assert [(n, p.shape) for n, p in shape.module.named_parameters()] == [
            (n, p.shape) for n, p in loaded.module.named_parameters()
        ]


def test_foreseeing_leaves_the_shape_as_it_was(folder: Callable[[str], Path]) -> None:
    model = build_shape(folder("bert"), options=OPTIONS)
    before = [name for name, _ in model.module.named_parameters()]
    first = predict_memory(model, TASK, LoRA(rank=2), PLAIN, SHAPE)
    assert [name for name, _ in model.module.named_parameters()] == before
    assert predict_memory(model, TASK, LoRA(rank=2), PLAIN, SHAPE) == first


LIBRARY = ("IA3", "VERA", "LN_TUNING", "OFT", "BOFT", "HRA", "ADALORA", "FOURIERFT", "LOHA", "LOKR")


@pytest.mark.parametrize("kind", LIBRARY)
def test_methods_of_the_library_are_predicted(folder: Callable[[str], Path], kind: str) -> None:
    method = BY_NAME.build("peft", {"peft_type": kind})
    assert isinstance(method, Adaptation)
    agree(folder("bert"), method, PLAIN, SHAPE)


def test_a_method_of_the_library_that_is_built_from_weights_is_not(
    folder: Callable[[str], Path],
) -> None:
    method = BY_NAME.build("peft", {"peft_type": "SHIRA"})
    assert isinstance(method, Adaptation)
    with pytest.raises(NotPredictable, match=r"built from weights.*nonzero"):
        predicted(folder("bert"), method, PLAIN, SHAPE)


class Reading(LoRA):
    """An adapter that looks at its numbers to decide what to do."""

    def prepare(self, model: Model) -> None:
        super().prepare(model)
        model.module.register_forward_pre_hook(lambda module, args: look(module))


def look(module: Any) -> None:
    next(module.parameters()).sum().item()


def test_what_reads_values_is_not_predictable_and_says_where(
    folder: Callable[[str], Path],
) -> None:
    with pytest.raises(NotPredictable, match=r"test_memory reads a number"):
        predicted(folder("bert"), Reading(rank=2), PLAIN, SHAPE)


def test_parameters_are_counted_by_what_they_belong_to(folder: Callable[[str], Path]) -> None:
    model = build_shape(folder("gpt2"), options=OPTIONS)
    base = {name for name, _ in model.module.named_parameters()}
    attention = {path for path, own in roles(model).items() if "mlp" not in own}
    adapted = applied(model, LoRA(rank=2, targets=("query", "value")))
    groups = parameters_by_group(
        adapted.module, head=set(adapted.head), attention=attention, base=base
    )
    assert sum(group["total"] for group in groups.values()) == sum(
        weight.numel() for weight in adapted.module.parameters()
    )
    d = 64
    assert groups["embeddings"]["total"] == (len(WORDS) + 40) * d
    assert groups["attention"]["total"] == 2 * ((3 * d * d + 3 * d) + (d * d + d))
    assert groups["mlp"]["total"] == 2 * ((4 * d * d + 4 * d) + (4 * d * d + d))
    assert groups["norms"]["total"] == (2 * 2 + 1) * 2 * d
    assert groups["adapter"] == {"total": 2 * 2 * (d + 3 * d), "trainable": 2 * 2 * (d + 3 * d)}
    assert groups["head"]["trainable"] == len(OPTIONS) * d
