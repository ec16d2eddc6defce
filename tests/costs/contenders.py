"""Real models of any shape and size, to measure what was foreseen for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import IA3Config, inject_adapter_in_model

from tunewise.backbones.model import Model
from tunewise.backbones.parts import roles
from tunewise.backbones.shapes import build_shape
from tunewise.methods.base import Adaptation
from tunewise.methods.trained import load_trained, save_trained, train_only
from tunewise.tasks.classification import Classification
from tunewise.training.assembly import settle
from tunewise.training.foresee import Foreseen, StepShape, count_step, fake_examples, foresee
from tunewise.training.settings import TrainingSettings

TASK = Classification(text=("text",), label="label")
OPTIONS = ("a", "b", "c")


@dataclass(frozen=True)
class IA3(Adaptation):
    """PEFT's (IA)^3 as the library builds it: a method that is none of ours."""

    learning_rate = 1e-3

    def prepare(self, model: Model) -> None:
        linear = roles(model)
        ends = {path for path, own in linear.items() if {"query", "key", "value"} & set(own)}
        inject_adapter_in_model(IA3Config(target_modules=sorted(ends), feedforward_modules=[]),
                                model.module)
        names = [name for name, _ in model.module.named_parameters() if "ia3_" in name]
        train_only(model, [*names, *model.head])

    def save(self, model: Model, folder: Path) -> None:
        save_trained(model, folder)

    def load(self, model: Model, folder: Path) -> None:
        load_trained(model, folder)


def foreseen(
    folder: Path, method: Adaptation, training: TrainingSettings, shape: StepShape
) -> Foreseen:
    return foresee(build_shape(folder, options=OPTIONS), TASK, method, training, shape)


def measured(
    folder: Path, method: Adaptation, training: TrainingSettings, shape: StepShape
) -> Foreseen:
    """The same with numbers: a step first, so that the optimiser has its state, then one counted."""
    torch.manual_seed(0)
    model = build_shape(folder, options=OPTIONS, device="cpu")
    method.prepare(model)
    settle(model, training)
    batch = TASK.collate(fake_examples(model, shape.examples_at_once, shape.tokens), model.coder)
    evaluation = TASK.collate(
        fake_examples(model, shape.evaluated, shape.evaluated_tokens or shape.tokens), model.coder
    )
    batches: Sequence = [batch] * shape.parts
    return count_step(model, TASK, method, training, batches, evaluation)
