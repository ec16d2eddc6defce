"""What padding costs: dynamic, bucketed and static batches of SQuAD, over batch sizes.

    python benchmarks/padding.py ../shared/data [--out FOLDER]

Counts, for every batch of an epoch, the positions that are padding and the bytes of the batch's
tensors (token ids, mask and labels, eight bytes each). Dynamic batches are random and padded to
their longest row; bucketed ones are those of the training loop; static ones are padded to the
limit. Writes a table to stdout and, with --out, ``padding.svg``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import vl_convert
from transformers import GPT2Tokenizer

from tunewise.core.files import write_text
from tunewise.data.settings import DataSettings, SplitRule
from tunewise.data.sources import read_data
from tunewise.tasks.base import Encoded
from tunewise.tasks.language import padded
from tunewise.tasks.question_answering import QuestionAnswering
from tunewise.training.batches import training_batches

LIMIT = 512
SIZES = (4, 8, 16, 32, 64)
KINDS = ("bucketed", "dynamic", "static")


def encoded_rows(data: Path, limit: int = LIMIT) -> tuple[list[Encoded], Any]:
    """The training rows as tokens, and the tokenizer."""
    coder: Any = GPT2Tokenizer.from_pretrained(data / "gpt2-tokenizer")
    coder.pad_token = coder.eos_token
    task = QuestionAnswering()
    rule = SplitRule(validation=0.05, group="context")
    settings = DataSettings(files={"train": "squad/train_subset.jsonl"}, split=rule)
    settled = task.settle(read_data(settings, task.columns(), data))
    examples = [task.read(row) for row in settled.splits["train"]]
    return task.encode_training(examples, coder, max_length=limit), coder


def batches(kind: str, rows: list[Encoded], size: int) -> Iterator[list[Encoded]]:
    lengths = [row.full_length for row in rows]
    if kind == "bucketed":
        order = training_batches(lengths, size, seed=0, epoch=1)
    else:
        shuffled = np.random.default_rng(0).permutation(len(rows)).tolist()
        order = [shuffled[at : at + size] for at in range(0, len(rows), size)]
    return ([rows[place] for place in places] for places in order)


def measured(kind: str, rows: list[Encoded], size: int, padding: int) -> dict[str, Any]:
    """Positions, padding among them, and the bytes of the mean and the largest batch."""
    positions, real, sizes = 0, 0, []
    for chosen in batches(kind, rows, size):
        batch = padded(chosen, padding, LIMIT if kind == "static" else None)
        tensors = (*batch.inputs.values(), batch.labels)
        sizes.append(sum(tensor.nbytes for tensor in tensors))
        positions += batch.padded_tokens
        real += batch.real_tokens
    return {
        "batches": kind,
        "size": size,
        "padded": positions - real,
        "share": 1 - real / positions,
        "mean_bytes": float(np.mean(sizes)),
        "largest_bytes": max(sizes),
    }


def chart(rows: list[dict[str, Any]]) -> str:
    """The share of padding over batch sizes, as SVG."""
    drawn = (
        alt.Chart(alt.InlineData(values=rows), width=480, height=260)
        .mark_line(point=True)
        .encode(
            x=alt.X("size:O", title="batch size"),
            y=alt.Y("share:Q", title="share of positions that are padding", axis={"format": "%"}),
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
    encoded, coder = encoded_rows(chosen.data)
    rows = [measured(kind, encoded, size, coder.pad_token_id) for kind in KINDS for size in SIZES]
    print(f"{len(encoded):,} rows, {sum(row.length for row in encoded):,} tokens, limit {LIMIT}\n")
    print("| batches | batch size | padded tokens | share | mean batch (kB) | largest (kB) |")
    print("|---|---:|---:|---:|---:|---:|")
    for row in rows:
        print(
            f"| {row['batches']} | {row['size']} | {row['padded']:,} | {row['share']:.1%} "
            f"| {row['mean_bytes'] / 1000:.0f} | {row['largest_bytes'] / 1000:.0f} |"
        )
    if chosen.out:
        write_text(chosen.out / "padding.svg", chart(rows))


if __name__ == "__main__":
    main()
