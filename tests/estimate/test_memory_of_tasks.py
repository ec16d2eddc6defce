"""Questions answered in words and questions about images: predicted as they are counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks.memory_tasks import (
    DECODER,
    IMAGES,
    NEW,
    PAIR,
    PAIRED,
    PLAIN,
    QUESTIONS,
    WRITTEN,
    measured,
    predicted,
)
from tests.conftest import CONFIGURATIONS
from transformers import AutoConfig

from tunewise.costs.memory import Memory
from tunewise.estimate.step_shape import StepShape
from tunewise.methods.base import Adaptation
from tunewise.methods.full import Full
from tunewise.methods.fusion import FusionMethod
from tunewise.methods.lora import LoRA
from tunewise.methods.prefix import PrefixTuning
from tunewise.tasks.base import Task
from tunewise.tasks.question_answering import QuestionAnswering
from tunewise.training.settings import TrainingSettings

GREEDY = QuestionAnswering(max_new_tokens=NEW)
CLOSE = 0.005


def agree(
    task: Task,
    folders: tuple[Path, ...],
    method: Adaptation,
    shape: StepShape = PAIRED,
    training: TrainingSettings = PLAIN,
) -> Memory:
    expected, found = (f(task, folders, method, shape, training) for f in (predicted, measured))
    assert expected.stored_features == found.stored_features
    assert expected.memory.peaks_bytes.keys() == found.memory.peaks_bytes.keys()
    for phase in found.memory.peaks_bytes:
        foretold, counted = expected.memory.peak_bytes(phase), found.memory.peak_bytes(phase)
        assert foretold == pytest.approx(counted, rel=CLOSE), phase
    assert expected.memory.flops == found.memory.flops
    return found.memory


@pytest.mark.parametrize(
    "method", [Full(), LoRA(rank=2), PrefixTuning(length=4)], ids=lambda m: m.name
)
def test_a_writer_is_predicted_with_the_answers_that_it_writes(method: Adaptation) -> None:
    memory = agree(GREEDY, DECODER, method, WRITTEN)
    assert {"forward", "backward", "update", "evaluation", "generation"} == {*memory.peaks_bytes}


@pytest.mark.parametrize("family", ["llama", "qwen2", "phi"])
def test_other_families_write_as_predicted(tmp_path: Path, family: str) -> None:
    sizes = CONFIGURATIONS[family] | {"hidden_size": 64, "vocab_size": 200}
    folder = save_configuration(tmp_path, family, **sizes)
    shape = replace(WRITTEN, tokens=24, evaluated_tokens=24, prompt_tokens=16)
    agree(GREEDY, (folder,), LoRA(rank=2), shape)


def test_every_way_of_writing_is_predicted() -> None:
    memory = agree(QUESTIONS, DECODER, LoRA(rank=2), WRITTEN)
    assert memory.peak_bytes("every_way") > memory.peak_bytes("generation")
    assert memory.flops["every_way"] > 1.5 * memory.flops["generation"]


def test_texts_that_share_rows_are_predicted_with_their_mask() -> None:
    agree(GREEDY, DECODER, LoRA(rank=2), WRITTEN, TrainingSettings(packing=True))


def test_learning_the_prompt_too_costs_logits() -> None:
    task = QuestionAnswering(max_new_tokens=NEW, loss_on="all")
    whole = agree(task, DECODER, LoRA(rank=2), replace(WRITTEN, targets=None))
    answer = predicted(task, DECODER, LoRA(rank=2), WRITTEN).memory
    logits = 4 * 1500 * (6 * 40 - 5 - 6 - 21)  # bytes of those that the answers do not need
    assert whole.activations_bytes - answer.activations_bytes >= logits


@pytest.mark.parametrize(
    ("method", "phases"),
    [
        (FusionMethod(), {"texts", "pictures"}),
        (FusionMethod(inputs="question"), {"texts", "pictures"}),
        (LoRA(rank=2, targets=("text.query", "text.value")), {"pictures"}),
        (Full(), set()),
    ],
    ids=["fusion", "question", "text-lora", "full"],
)
def test_two_encoders_are_predicted_with_the_vectors_that_they_store(
    method: Adaptation, phases: set[str]
) -> None:
    memory = agree(IMAGES, PAIR, method)
    assert memory.peaks_bytes.keys() - {"forward", "backward", "update", "evaluation"} == phases


def save_configuration(folder: Path, family: str, **settings: Any) -> Path:
    AutoConfig.for_model(family, **settings).save_pretrained(folder)
    return folder


def test_a_convolutional_encoder_needs_its_configuration_alone(tmp_path: Path) -> None:
    sizes = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]}
    image = save_configuration(tmp_path / "image", "resnet", layer_type="basic", **sizes)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = save_configuration(tmp_path / "text", "bert", intermediate_size=32, **small)
    agree(IMAGES, (image, text), FusionMethod(), replace(PAIRED, pictures=2))


def test_clip_is_two_encoders_in_one_configuration(tmp_path: Path) -> None:
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    tower |= {"num_attention_heads": 2, "projection_dim": 8}
    vision = tower | {"image_size": 32, "patch_size": 16}
    folder = save_configuration(tmp_path, "clip", text_config=tower, vision_config=vision)
    memory = agree(IMAGES, (folder,), LoRA(rank=2, targets=("text.query",)))
    assert {"pictures"} <= memory.peaks_bytes.keys()
