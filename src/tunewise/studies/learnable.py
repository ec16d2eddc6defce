"""Whether training examples keep something to learn from once they are cut to the limit."""

from __future__ import annotations

from typing import Any

from tunewise.core.errors import Problem
from tunewise.core.format import plural
from tunewise.data.table import Row
from tunewise.tasks.base import Task

SAMPLE = 500  # rows that are looked at; the trial itself counts them all


def learnable(
    task: Task, rows: list[Row], coder: Any, limit: int
) -> tuple[list[Problem], list[str]]:
    """A problem where nothing could be learnt, and a note where some examples are left out.

    Only what is written can be lost to the limit: an option is no token of the input.

    Args:
        task: whose examples they are.
        rows: the training rows as prepared.
        coder: the model's tokenizer.
        limit: tokens an example may have.
    """
    if not task.writing or not rows:
        return [], []
    looked = rows[:: max(1, len(rows) // SAMPLE)][:SAMPLE]
    examples = [task.read(row) for row in looked]
    lost = len(looked) - len(task.encode_training(examples, coder, max_length=limit))
    if not lost:
        return [], []
    said = (
        f"no supervised token in {lost:,} of {plural(len(looked), 'training example')} looked at: "
        f"question and answer alone do not fit in {limit} tokens"
    )
    if lost == len(looked):
        return [Problem("max_length", f"{said}. Raise it.")], []
    return [], [f"{said}; such examples are left out of training."]
