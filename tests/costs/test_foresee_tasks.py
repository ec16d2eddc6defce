"""Questions answered in words and questions about pictures: foreseen as they are counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig

from tunewise.backbones.model import Model
from tunewise.backbones.shapes import NoTokenizer
from tunewise.backbones.sources import EMBEDDED_FOLDER
from tunewise.costs.memory import Memory
from tunewise.methods.base import Adaptation
from tunewise.methods.full import Full
from tunewise.methods.fusion import FusionMethod
from tunewise.methods.lora import LoRA
from tunewise.methods.prefix import PrefixTuning
from tunewise.tasks.base import Task
from tunewise.tasks.question_answering import QuestionAnswering
from tunewise.tasks.visual_question_answering import VisualQuestionAnswering
from tunewise.training.assembly import settle
from tunewise.training.foresee import Foreseen, count_step, foresee
from tunewise.training.settings import TrainingSettings
from tunewise.training.step_shape import StepShape, step_batches

PLAIN = TrainingSettings()
OPTIONS = tuple("abcdefg")
DECODER = (EMBEDDED_FOLDER / "decoder",)
PAIR = (EMBEDDED_FOLDER / "picture-encoder", EMBEDDED_FOLDER / "encoder")
NEW = 8  # tokens: too few for an answer to turn in circles, which would end it
WAYS = ("greedy", "beam 3", "top-k 10", "temperature 0.7")
QUESTIONS = QuestionAnswering(max_new_tokens=NEW)
EVERY_WAY = QuestionAnswering(max_new_tokens=NEW, decoding=WAYS, samples=2)
PICTURES = VisualQuestionAnswering(image="image", question="question", answer="answer")
SHAPE = StepShape(6, 40, evaluated=10, evaluated_tokens=44, targets=21, evaluated_targets=31)
WRITTEN = replace(SHAPE, prompt_tokens=36)
CLOSE = 0.005


def shape_of(task: Task, folders: tuple[Path, ...], device: str = "meta") -> Model:
    """A model in which no token ends an answer."""
    model = task.shape(folders, options=OPTIONS, device=device)
    assert model is not None
    if task.form == "write":
        module: Any = model.module
        module.config.eos_token_id = module.generation_config.eos_token_id = None
        model.coder = NoTokenizer(module.config.vocab_size)
    return model


def foreseen(
    task: Task, folders: tuple[Path, ...], method: Adaptation, shape: StepShape
) -> Foreseen:
    return foresee(shape_of(task, folders), task, method, PLAIN, shape)


def measured(
    task: Task, folders: tuple[Path, ...], method: Adaptation, shape: StepShape
) -> Foreseen:
    torch.manual_seed(0)
    model = shape_of(task, folders, "cpu")
    method.prepare(model)
    settle(model, PLAIN)
    return count_step(model, task, method, PLAIN, step_batches(model, task, shape))


def agree(
    task: Task, folders: tuple[Path, ...], method: Adaptation, shape: StepShape = SHAPE
) -> Memory:
    expected, found = (f(task, folders, method, shape) for f in (foreseen, measured))
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
def test_a_writer_is_foreseen_with_the_answers_that_it_writes(method: Adaptation) -> None:
    memory = agree(QUESTIONS, DECODER, method, WRITTEN)
    assert {"forward", "backward", "update", "evaluation", "generation"} == {*memory.peaks_bytes}


def test_every_way_of_writing_is_foreseen() -> None:
    memory = agree(EVERY_WAY, DECODER, LoRA(rank=2), WRITTEN)
    assert memory.peak_bytes("every_way") > memory.peak_bytes("generation")
    assert memory.flops["every_way"] > 2 * memory.flops["generation"]


def test_learning_the_prompt_too_costs_logits() -> None:
    task = QuestionAnswering(max_new_tokens=NEW, loss_on="all")
    whole = agree(task, DECODER, LoRA(rank=2), replace(WRITTEN, targets=None))
    answer = foreseen(task, DECODER, LoRA(rank=2), WRITTEN).memory
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
def test_two_encoders_are_foreseen_with_the_vectors_that_they_store(
    method: Adaptation, phases: set[str]
) -> None:
    memory = agree(PICTURES, PAIR, method)
    assert memory.peaks_bytes.keys() - {"forward", "backward", "update", "evaluation"} == phases


def save_configuration(folder: Path, family: str, **settings: Any) -> Path:
    AutoConfig.for_model(family, **settings).save_pretrained(folder)
    return folder


def test_a_convolutional_encoder_needs_its_configuration_alone(tmp_path: Path) -> None:
    sizes = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]}
    image = save_configuration(tmp_path / "image", "resnet", layer_type="basic", **sizes)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = save_configuration(tmp_path / "text", "bert", intermediate_size=32, **small)
    agree(PICTURES, (image, text), FusionMethod(), replace(SHAPE, read=4))


def test_clip_is_two_encoders_in_one_configuration(tmp_path: Path) -> None:
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    tower |= {"num_attention_heads": 2, "projection_dim": 8}
    vision = tower | {"image_size": 32, "patch_size": 16}
    folder = save_configuration(tmp_path, "clip", text_config=tower, vision_config=vision)
    memory = agree(PICTURES, (folder,), LoRA(rank=2, targets=("text.query",)))
    assert {"pictures"} <= memory.peaks_bytes.keys()
