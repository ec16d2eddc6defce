"""A training step with the last block whole, and computed for the first token alone.

    python benchmarks/first_token.py [--steps 12] [--model FOLDER]

LoRA of rank 16 and full fine-tuning of one model with `pooling: cls`, batches of 32 texts of 30
tokens, one thread. The two forms take their steps in turn, so that whatever else the machine does
meets both; seconds are of the processor, the median of the steps after the first two. Without
dropout the losses of the first step must agree to a millionth, or the exit code is 1.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import torch
from lora_step import model_folder

from tunewise.backbones.builder import Builder
from tunewise.backbones.fast_cpu import speed_up
from tunewise.backbones.first_token import only_first_token
from tunewise.methods.base import Adaptation
from tunewise.methods.full import Full
from tunewise.methods.lora import LoRA
from tunewise.tasks.base import Batch
from tunewise.tasks.classification import Classification
from tunewise.training.loop import Learner
from tunewise.training.optimizer import make_optimizer
from tunewise.training.settings import TrainingSettings

TEXTS, TOKENS, OPTIONS = 32, 30, tuple("abcde")
TASK = Classification(text=("text",), label="label", pooling="cls")
SETTLED = 2  # steps until memory is at hand
CLOSE = 1e-6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--model", default=model_folder())
    asked = parser.parse_args()
    torch.set_num_threads(1)
    equal = True
    for method in (LoRA(rank=16, alpha=32.0), Full()):
        learners = [
            learner(asked.model, method, first=first, dropout=0.0) for first in (False, True)
        ]
        losses = [step(one, 1)[1] for one in learners]
        apart = abs(losses[1] / losses[0] - 1)
        equal = equal and apart <= CLOSE
        learners = [
            learner(asked.model, method, first=first, dropout=0.1) for first in (False, True)
        ]
        taken = [[step(one, number)[0] for one in learners] for number in range(1, asked.steps + 1)]
        whole, first = (statistics.median(column) for column in zip(*taken[SETTLED:], strict=True))
        print(
            f"{method.name:<6} whole {whole:.3f} s, first token {first:.3f} s, "
            f"{first / whole:.2f} of it; losses apart by {apart:.1e}",
            flush=True,
        )
    sys.exit(0 if equal else 1)


def learner(source: str, method: Adaptation, *, first: bool, dropout: float) -> Learner:
    model = Builder(pooling="cls").build(source, options=OPTIONS, seed=0, dropout=dropout)
    torch.manual_seed(0)
    method.prepare(model)
    speed_up(model.module)
    if first:
        only_first_token(model.module)
    settings = TrainingSettings(batch_size=TEXTS)
    optimizer = make_optimizer(model.module, method.groups(model), settings)
    return Learner(model, TASK, method, optimizer, clip_norm=1.0, seed=0)


def step(one: Learner, number: int) -> tuple[float, float]:
    """Seconds of the processor, and the loss."""
    given = batch(number)
    began = time.process_time()
    loss = one.step(number, [given], learning_rate=1e-4).loss
    one.optimizer.zero_grad(set_to_none=True)
    return time.process_time() - began, loss


def batch(number: int) -> Batch:
    ids = torch.randint(5, 500, (TEXTS, TOKENS), generator=torch.Generator().manual_seed(number))
    return Batch(
        ids=[str(place) for place in range(TEXTS)],
        inputs={"input_ids": ids, "attention_mask": torch.ones_like(ids)},
        labels=torch.arange(TEXTS) % len(OPTIONS),
        targets=TEXTS,
        real_tokens=ids.numel(),
        padded_tokens=ids.numel(),
    )


if __name__ == "__main__":
    main()
