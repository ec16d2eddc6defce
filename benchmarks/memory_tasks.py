"""Memory predicted and measured, phase by phase, where answers are written or images are read.

    python benchmarks/memory_tasks.py

The embedded decoder writes answers, the embedded encoders of images and texts give vectors;
all have the shapes of the embedded models and random numbers. What is measured are the storages
alive in a real step, evaluation and generation. No token ends an answer: a prediction is for
answers of the greatest length. The exit code is 1 where one is off by more than 2 %.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from tunewise.backbones.model import Model
from tunewise.backbones.shapes import NoTokenizer
from tunewise.backbones.sources import EMBEDDED_FOLDER
from tunewise.estimate.memory import MemoryPrediction, count_step, predict_memory
from tunewise.estimate.step_shape import StepShape, step_batches
from tunewise.methods.base import Adaptation
from tunewise.methods.full import Full
from tunewise.methods.fusion import FusionMethod
from tunewise.methods.lora import LoRA
from tunewise.methods.prefix import PrefixTuning
from tunewise.tasks.base import Task
from tunewise.tasks.question_answering import QuestionAnswering
from tunewise.tasks.visual_question_answering import VisualQuestionAnswering
from tunewise.training.assembly import settle
from tunewise.training.settings import TrainingSettings

PLAIN = TrainingSettings()
OPTIONS = tuple("abcdefg")
DECODER = (EMBEDDED_FOLDER / "decoder",)
PAIR = (EMBEDDED_FOLDER / "picture-encoder", EMBEDDED_FOLDER / "encoder")
NEW = 8  # tokens: too few for an answer to turn in circles, which would end it
QUESTIONS = QuestionAnswering(
    max_new_tokens=NEW, decoding=("greedy", "beam 3", "top-k 10"), samples=2
)
IMAGES = VisualQuestionAnswering(image="image", question="question", answer="answer")
PAIRED = StepShape(6, 40, evaluated=10, evaluated_tokens=44)
WRITTEN = replace(PAIRED, targets=21, evaluated_targets=31, prompt_tokens=36)
TOLERANCE = 0.02
LINES: dict[str, tuple[Task, tuple[Path, ...], Adaptation, StepShape]] = {
    "decoder, full": (QUESTIONS, DECODER, Full(), WRITTEN),
    "decoder, LoRA r 8": (QUESTIONS, DECODER, LoRA(), WRITTEN),
    "decoder, prefix 16": (QUESTIONS, DECODER, PrefixTuning(), WRITTEN),
    "pair, fusion": (IMAGES, PAIR, FusionMethod(), PAIRED),
    "pair, LoRA on the texts": (IMAGES, PAIR, LoRA(targets=("text.query",)), PAIRED),
    "pair, full": (IMAGES, PAIR, Full(), PAIRED),
}


def shape_of(task: Task, folders: tuple[Path, ...], device: str = "meta") -> Model:
    """A model in which no token ends an answer."""
    model = task.builder.shape(folders, options=OPTIONS, device=device)
    assert model is not None
    if task.writing:
        module: Any = model.module
        module.config.eos_token_id = module.generation_config.eos_token_id = None
        model.processor = NoTokenizer(module.config.vocab_size)
    return model


def predicted(
    task: Task,
    folders: tuple[Path, ...],
    method: Adaptation,
    shape: StepShape,
    training: TrainingSettings = PLAIN,
) -> MemoryPrediction:
    return predict_memory(shape_of(task, folders), task, method, training, shape)


def measured(
    task: Task,
    folders: tuple[Path, ...],
    method: Adaptation,
    shape: StepShape,
    training: TrainingSettings = PLAIN,
) -> MemoryPrediction:
    """The same with numbers."""
    torch.manual_seed(0)
    model = shape_of(task, folders, "cpu")
    method.prepare(model)
    settle(model, training)
    batches = step_batches(model, task, shape, packs=training.packing)
    return count_step(model, task, method, training, batches)


def main() -> int:
    print(
        "| model and method | phase | foreseen, MB | measured, MB | off |\n|---|---|---:|---:|---:|"
    )
    missed = 0
    for name, (task, folders, method, shape) in LINES.items():
        expected = predicted(task, folders, method, shape).memory
        found = measured(task, folders, method, shape).memory
        for phase in found.peaks_bytes:
            foretold, counted = expected.peak_bytes(phase), found.peak_bytes(phase)
            off = foretold / counted - 1
            missed += abs(off) > TOLERANCE
            print(
                f"| {name} | {phase} | {foretold / 1e6:.2f} | {counted / 1e6:.2f} | {off:+.2%} |",
                flush=True,
            )
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main())
