"""What a maximum length costs: SQuAD's rows at 128 to 1,024 tokens.

    python benchmarks/max_length.py ../shared/data [--seconds] [--out FOLDER]

For each limit: contexts shortened and examples left out in training, contexts shortened in
evaluation and those that then lack every right answer, positions and padding of an epoch in the
training loop's batches of 16, and the most memory that a training step of GPT-2 (124 M) is
predicted to hold on the largest of them, with LoRA (rank 8, attention) and with full fine-tuning.
With --out also ``max_length.svg``. With --seconds also the time of a training step of a small GPT-2
(four blocks of 256) on these batches, forward and backward, the mean over 12 of them.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import altair as alt
import torch
import vl_convert
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer

from tunewise.backbones.model import Model
from tunewise.core.files import write_text
from tunewise.data.examples import Example
from tunewise.data.settings import DataSettings
from tunewise.data.sources import read_data
from tunewise.estimate.memory import TRAINING, predict_memory
from tunewise.estimate.step_shape import StepShape
from tunewise.methods.base import Adaptation
from tunewise.methods.full import Full
from tunewise.methods.lora import LoRA
from tunewise.tasks.base import Batch, Encoded
from tunewise.tasks.question_answering import QuestionAnswering
from tunewise.training.batches import training_batches
from tunewise.training.settings import TrainingSettings

LIMITS = (128, 192, 256, 384, 512, 768, 1024)
BATCH = 16
STEPS = 12
METHODS: dict[str, Adaptation] = {"LoRA": LoRA(rank=8, targets=("attention",)), "full": Full()}
FILES = {"train": "squad/train_subset.jsonl", "validation": "squad/dev.jsonl"}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("data", type=Path, help="the folder with squad and gpt2-tokenizer")
    asked.add_argument("--seconds", action="store_true")
    asked.add_argument("--out", type=Path)
    chosen = asked.parse_args()
    tokenizer: Any = GPT2Tokenizer.from_pretrained(chosen.data / "gpt2-tokenizer")
    tokenizer.pad_token = tokenizer.eos_token
    task = QuestionAnswering()
    settled = task.settle(read_data(DataSettings(files=FILES), task.reading.columns, chosen.data))
    train, validation = (
        [task.read(row) for row in settled.splits[name]] for name in ("train", "validation")
    )
    print(f"{len(train):,} rows of train, {len(validation):,} of the development set\n")
    print(
        "| limit | shortened | left out | evaluation: shortened | answer lost | positions "
        "| padding | LoRA (GB) | full (GB) |" + (" step (s) |" if chosen.seconds else "")
    )
    print("|" + (9 + chosen.seconds) * "---:|")
    drawn: list[dict[str, Any]] = []
    for limit in LIMITS:
        learnt = task.encode(train, tokenizer, max_length=limit, learning=True)
        cut = sum(example.full_length > limit for example in learnt)
        shortened, lost = evaluation(task, validation, tokenizer, limit)
        groups = training_batches([row.full_length for row in learnt], BATCH, seed=0, epoch=1)
        batches = [
            task.collate([learnt[place] for place in places], tokenizer) for places in groups
        ]
        positions = sum(batch.padded_tokens for batch in batches)
        padding = 1 - sum(batch.real_tokens for batch in batches) / positions
        largest = max(batches, key=lambda batch: batch.padded_tokens)
        memory = {name: step_gb(tokenizer, method, largest) for name, method in METHODS.items()}
        drawn += [{"limit": limit, "method": name, "gb": gb} for name, gb in memory.items()]
        line = (
            f"| {limit} | {cut / len(train):.1%} | {len(train) - len(learnt)} "
            f"| {shortened:.1%} | {lost:.1%} | {positions:,} | {padding:.1%} "
            f"| {memory['LoRA']:.2f} | {memory['full']:.2f} |"
        )
        print(
            line + (f" {step_seconds(task, batches):.2f} |" if chosen.seconds else ""), flush=True
        )
    if chosen.out:
        write_text(chosen.out / "max_length.svg", chart(drawn))


def step_gb(tokenizer: Any, method: Adaptation, batch: Batch) -> float:
    """The most that a training step of GPT-2 on this batch holds at once, weights included."""
    with torch.device("meta"):
        module = GPT2LMHeadModel(GPT2Config())
    gpt2 = Model(module.eval(), tokenizer, {"text": "transformer"}, max_length=1024)
    rows, width = batch.labels.shape
    task = QuestionAnswering(max_new_tokens=1)  # what is written afterwards is no part of a step
    shape = StepShape(rows, width, evaluated=1, targets=batch.targets, evaluated_targets=1)
    memory = predict_memory(gpt2, task, method, TrainingSettings(), shape).memory
    return max(memory.peak_bytes(phase) for phase in TRAINING) / 1e9


def chart(rows: list[dict[str, Any]]) -> str:
    """The most memory of a step over the limits, as SVG."""
    drawn = (
        alt.Chart(alt.InlineData(values=rows), width=480, height=260)
        .mark_line(point=True)
        .encode(
            x=alt.X("limit:O", title="maximum length (tokens)"),
            y=alt.Y("gb:Q", title="most memory of a training step (GB)"),
            color=alt.Color("method:N", title=None),
        )
    )
    svg: str = vl_convert.vegalite_to_svg(drawn.to_dict(validate=False))
    return svg


def evaluation(
    task: QuestionAnswering, examples: list[Example], tokenizer: Any, limit: int
) -> tuple[float, float]:
    """Shares of contexts that are shortened, and of those prompts that hold no right answer."""
    asked = task.encode(examples, tokenizer, max_length=limit)
    lost = sum(_lost(one, example, tokenizer) for one, example in zip(asked, examples, strict=True))
    return sum(one.full_length > limit for one in asked) / len(asked), lost / len(asked)


def _lost(one: Encoded, example: Example, tokenizer: Any) -> bool:
    prompt = tokenizer.decode(one.inputs["input_ids"][: one.prompt])
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
