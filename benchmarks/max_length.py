"""What a maximum length costs: SQuAD's rows at 128 to 1,024 tokens.

    python benchmarks/max_length.py ../shared/data [--seconds]

For each limit: contexts shortened and examples left out in training, contexts shortened in
evaluation and those that then lack every right answer, positions and padding of an epoch in the
training loop's batches of 16. With --seconds also the time of a training step of a small GPT-2
(four blocks of 256) on these batches, forward and backward, the mean over 12 of them.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer

from tunewise.data.examples import Example
from tunewise.data.settings import DataSettings
from tunewise.data.sources import read_data
from tunewise.tasks.base import Encoded
from tunewise.tasks.question_answering import QuestionAnswering
from tunewise.training.batches import training_batches

LIMITS = (128, 192, 256, 384, 512, 768, 1024)
BATCH = 16
STEPS = 12
FILES = {"train": "squad/train_subset.jsonl", "validation": "squad/dev.jsonl"}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("data", type=Path, help="the folder with squad and gpt2-tokenizer")
    asked.add_argument("--seconds", action="store_true")
    chosen = asked.parse_args()
    coder: Any = GPT2Tokenizer.from_pretrained(chosen.data / "gpt2-tokenizer")
    coder.pad_token = coder.eos_token
    task = QuestionAnswering()
    settled = task.settle(read_data(DataSettings(files=FILES), task.columns(), chosen.data))
    train, validation = (
        [task.read(row) for row in settled.splits[name]] for name in ("train", "validation")
    )
    print(f"{len(train):,} rows of train, {len(validation):,} of the development set\n")
    print(
        "| limit | shortened | left out | evaluation: shortened | answer lost | positions "
        "| padding |" + (" step (s) |" if chosen.seconds else "")
    )
    print("|---:|---:|---:|---:|---:|---:|---:|" + ("---:|" if chosen.seconds else ""))
    for limit in LIMITS:
        learnt = task.encode_training(train, coder, max_length=limit)
        cut = sum(item.full_length > limit for item in learnt)
        shortened, lost = evaluation(task, validation, coder, limit)
        groups = training_batches([row.full_length for row in learnt], BATCH, seed=0, epoch=1)
        batches = [task.collate([learnt[place] for place in places], coder) for places in groups]
        positions = sum(batch.padded_tokens for batch in batches)
        padding = 1 - sum(batch.real_tokens for batch in batches) / positions
        line = (
            f"| {limit} | {cut / len(train):.1%} | {len(train) - len(learnt)} "
            f"| {shortened:.1%} | {lost:.1%} | {positions:,} | {padding:.1%} |"
        )
        print(
            line + (f" {step_seconds(task, batches):.2f} |" if chosen.seconds else ""), flush=True
        )


def evaluation(
    task: QuestionAnswering, examples: list[Example], coder: Any, limit: int
) -> tuple[float, float]:
    """Shares of contexts that are shortened, and of those prompts that hold no right answer."""
    asked = task.encode(examples, coder, max_length=limit)
    lost = sum(_lost(item, example, coder) for item, example in zip(asked, examples, strict=True))
    return sum(item.full_length > limit for item in asked) / len(asked), lost / len(asked)


def _lost(item: Encoded, example: Example, coder: Any) -> bool:
    prompt = coder.decode(item.inputs["input_ids"][: item.prompt])
    return not any(answer in prompt for answer in example.references or ())


def step_seconds(task: QuestionAnswering, batches: list[Any]) -> float:
    """The mean time of a step of a small GPT-2, over batches spread through the epoch."""
    torch.manual_seed(0)
    config = GPT2Config(n_embd=256, n_layer=4, n_head=4, n_positions=1024)
    model = GPT2LMHeadModel(config).train()
    some = batches[:: max(1, len(batches) // STEPS)][:STEPS]
    task.loss(model, some[0]).total.backward()  # the first step is slower
    started = time.perf_counter()
    for batch in some:
        model.zero_grad()
        (task.loss(model, batch).total / batch.targets).backward()
    return (time.perf_counter() - started) / len(some)


if __name__ == "__main__":
    main()
