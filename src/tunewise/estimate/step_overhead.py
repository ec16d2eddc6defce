"""How much longer a real training step takes than the machine's best says: a small one is timed."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification

from tunewise.backbones.model import Model
from tunewise.backbones.shapes import NoTokenizer
from tunewise.costs.calibration import Calibration
from tunewise.costs.machine_speed import clock_of
from tunewise.costs.memory import Memory
from tunewise.estimate.memory import count_step
from tunewise.estimate.step_shape import StepBatches, fake_examples
from tunewise.methods.full import Full
from tunewise.tasks.classification import Classification
from tunewise.training.assembly import compute_as, settle
from tunewise.training.loop import Learner
from tunewise.training.optimizer import make_optimizer
from tunewise.training.settings import TrainingSettings

WIDTH, BLOCKS, EXAMPLES, TOKENS, WORDS = 384, 3, 16, 64, 1000
STEPS = 4

WORK = ("forward", "backward", "update")


def with_overhead(calibration: Calibration) -> Calibration:
    """The same with what a real step takes over what its counted work would take at best."""
    whole, at_best = _step_seconds(calibration, TrainingSettings())
    half, half_at_best = _step_seconds(
        calibration.computing_in("bfloat16"), TrainingSettings(precision="bfloat16")
    )
    return replace(
        calibration,
        slowdown=whole / at_best,
        bfloat16_slowdown=half / half_at_best,
        bfloat16_step=half / whole,
    )


def _step_seconds(calibration: Calibration, training: TrainingSettings) -> tuple[float, float]:
    """Seconds of a real step, and those that its counted work would take at best."""
    task = Classification(text=("text",), label="label")
    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=WIDTH,
        num_hidden_layers=BLOCKS,
        num_attention_heads=6,
        intermediate_size=4 * WIDTH,
        num_labels=3,
    )
    torch.manual_seed(0)
    module: nn.Module = BertForSequenceClassification(config)
    model = Model(module=module, processor=NoTokenizer(WORDS), backbones={"text": "bert"})
    method = Full()
    compute_as(model, training)
    method.prepare(model)
    settle(model, training)
    batch = task.collate(fake_examples(model, EXAMPLES, TOKENS), model.processor)
    memory = count_step(model, task, method, training, StepBatches([batch], batch)).memory
    optimizer = make_optimizer(model.module, method.groups(model), training)
    learner = Learner(model, task, method, optimizer, training.clip_norm, seed=0)
    clock = clock_of(torch.get_num_threads())
    shortest = math.inf  # whatever else runs can only slow a step down
    for number in range(1, STEPS + 2):
        start = clock()
        learner.step(number, [batch], learning_rate=1e-5)
        optimizer.zero_grad(set_to_none=True)
        if number > 1:  # the first makes the optimizer's state
            shortest = min(shortest, clock() - start)
    return shortest, seconds_of(memory, calibration, WORK)


def seconds_of(
    memory: Memory, calibration: Calibration, phases: tuple[str, ...], *, fraction: float = 1.0
) -> float:
    """Seconds of the counted phases where `fraction` of their tokens enter.

    The number of operations, and all that the optimizer does, stay the same for fewer tokens.
    """
    total = 0.0
    for phase in phases:
        by = 1.0 if phase == "update" else fraction
        total += calibration.seconds(
            int(by * memory.flops.get(phase, 0)),
            int(by * memory.moved_bytes.get(phase, 0)),
            memory.operations.get(phase, 0),
        )
    return total
