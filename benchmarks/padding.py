"""What padding costs: dynamic, bucketed and static batches of SQuAD, over batch sizes.

    python benchmarks/padding.py ../shared/data [--out FOLDER]

Counts, for every batch of an epoch, the positions that are padding and the bytes of the batch's
tensors (token ids, mask and labels, eight bytes each), and predicts the most memory that training
steps hold: GPT-2 (124 M) with LoRA of rank 8 on its attention, on the median batch by positions
and on the largest. Dynamic batches are random and padded to their longest row; bucketed ones are
those of the training loop; static ones are padded to the limit. Writes a table to stdout and, with
--out, ``padding.svg`` and ``padding_memory.svg``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import torch
import vl_convert
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer

from tunewise.backbones.model import Model
from tunewise.core.files import write_text
from tunewise.data.settings import DataSettings, SplitRule
from tunewise.data.sources import read_data
from tunewise.estimate.memory import TRAINING, predict_memory
from tunewise.estimate.step_shape import StepShape
from tunewise.methods.lora import LoRA
from tunewise.tasks.base import Batch, Encoded
from tunewise.tasks.question_answering import QuestionAnswering
from tunewise.tasks.rows import padded
from tunewise.training.batches import training_batches
from tunewise.training.settings import TrainingSettings

LIMIT = 512
SIZES = (4, 8, 16, 32, 64)
KINDS = ("bucketed", "dynamic", "static")
METHOD = LoRA(rank=8, targets=("attention",))


def encoded_rows(data: Path, limit: int = LIMIT) -> tuple[list[Encoded], Any]:
    """The training rows as tokens, and the tokenizer."""
    tokenizer: Any = GPT2Tokenizer.from_pretrained(data / "gpt2-tokenizer")
    tokenizer.pad_token = tokenizer.eos_token
    task = QuestionAnswering()
    rule = SplitRule(validation=0.05, group="context")
    settings = DataSettings(files={"train": "squad/train_subset.jsonl"}, split=rule)
    settled = task.settle(read_data(settings, task.reading.columns, data))
    examples = [task.read(row) for row in settled.splits["train"]]
    return task.encode(examples, tokenizer, max_length=limit, learning=True), tokenizer


def batches(kind: str, rows: list[Encoded], size: int) -> Iterator[list[Encoded]]:
    lengths = [row.full_length for row in rows]
    if kind == "bucketed":
        order = training_batches(lengths, size, seed=0, epoch=1)
    else:
        shuffled = np.random.default_rng(0).permutation(len(rows)).tolist()
        order = [shuffled[at : at + size] for at in range(0, len(rows), size)]
    return ([rows[place] for place in places] for places in order)


def measured(kind: str, rows: list[Encoded], size: int, gpt2: Model) -> dict[str, Any]:
    """Positions, padding among them, the bytes of the mean and the largest batch, and of a step."""
    positions, real, sizes = 0, 0, []
    width = LIMIT if kind == "static" else None
    made: list[Batch] = []
    for chosen in batches(kind, rows, size):
        batch = padded(chosen, gpt2.processor.pad_token_id, width)
        made.append(batch)
        tensors = (*batch.inputs.values(), batch.labels)
        sizes.append(sum(tensor.nbytes for tensor in tensors))
        positions += batch.padded_tokens
        real += batch.real_tokens
    made.sort(key=lambda batch: batch.padded_tokens)
    return {
        "batches": kind,
        "size": size,
        "padded": positions - real,
        "share": 1 - real / positions,
        "mean_bytes": float(np.mean(sizes)),
        "largest_bytes": max(sizes),
        "median_gb": step_bytes(gpt2, made[len(made) // 2]) / 1e9,
        "most_gb": step_bytes(gpt2, made[-1]) / 1e9,
    }


def shape_of_gpt2(tokenizer: Any) -> Model:
    """GPT-2 as published, without its numbers."""
    with torch.device("meta"):
        module = GPT2LMHeadModel(GPT2Config())
    return Model(module.eval(), tokenizer, {"text": "transformer"}, max_length=1024)


def step_bytes(gpt2: Model, batch: Batch) -> int:
    """The most that a training step on this batch holds at once, weights included."""
    rows, width = batch.labels.shape
    task = QuestionAnswering(max_new_tokens=1)  # what is written afterwards is no part of a step
    shape = StepShape(rows, width, evaluated=1, targets=batch.targets, evaluated_targets=1)
    memory = predict_memory(gpt2, task, METHOD, TrainingSettings(), shape).memory
    return max(memory.peak_bytes(phase) for phase in TRAINING)


def chart(rows: list[dict[str, Any]], value: str, title: str, form: str) -> str:
    """A value over batch sizes, as SVG."""
    drawn = (
        alt.Chart(alt.InlineData(values=rows), width=480, height=260)
        .mark_line(point=True)
        .encode(
            x=alt.X("size:O", title="batch size"),
            y=alt.Y(f"{value}:Q", title=title, axis={"format": form}),
            color=alt.Color("batches:N", title=None),
        )
    )
    svg: str = vl_convert.vegalite_to_svg(drawn.to_dict(validate=False))
    return svg


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("data", type=Path, help="the folder with squad and gpt2-tokenizer")
    asked.add_argument("--out", type=Path)
    chosen = asked.parse_args()
    encoded, tokenizer = encoded_rows(chosen.data)
    gpt2 = shape_of_gpt2(tokenizer)
    print(f"{len(encoded):,} rows, {sum(row.length for row in encoded):,} tokens, limit {LIMIT}\n")
    print(
        "| batches | batch size | padded tokens | share | mean batch (kB) | largest (kB) "
        "| median step (GB) | largest step (GB) |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    rows = []
    for kind, size in product(KINDS, SIZES):
        row = measured(kind, encoded, size, gpt2)
        rows.append(row)
        print(
            f"| {row['batches']} | {row['size']} | {row['padded']:,} | {row['share']:.1%} "
            f"| {row['mean_bytes'] / 1000:.0f} | {row['largest_bytes'] / 1000:.0f} "
            f"| {row['median_gb']:.2f} | {row['most_gb']:.2f} |",
            flush=True,
        )
    if chosen.out:
        padding = chart(rows, "share", "share of positions that are padding", "%")
        write_text(chosen.out / "padding.svg", padding)
        memory = chart(rows, "median_gb", "memory of the median training step (GB)", ".1f")
        write_text(chosen.out / "padding_memory.svg", memory)


if __name__ == "__main__":
    main()
