"""Whether training examples keep something to learn from once they are cut to the limit."""

from __future__ import annotations

from typing import Any

from tunewise.core.errors import Problem
from tunewise.core.format import plural
from tunewise.data.table import Row
from tunewise.tasks.base import Task

SAMPLE = 500  # rows that are looked at; the trial itself counts them all


def learnable(
    task: Task, rows: list[Row], processor: Any, limit: int
) -> tuple[list[Problem], list[str]]:
    """A problem where nothing could be learned, and a note where some examples are left out.

    Only what is written can be lost to the limit: an option is no token of the input.

    Args:
        task: whose examples they are.
        rows: the training rows as prepared.
        processor: the model's tokenizer.
        limit: tokens an example may have.
    """
    if not task.writing or not rows:
        return [], []
    looked = rows[:: max(1, len(rows) // SAMPLE)][:SAMPLE]
    examples = [task.read(row) for row in looked]
    learnt = task.encode(examples, processor, max_length=limit, learning=True)
    lost = len(looked) - len(learnt)
    if not lost:
        return [], []
    finding = (
        f"no supervised token in {lost:,} of {plural(len(looked), 'training example')} looked at: "
        f"question and answer alone do not fit in {limit} tokens"
    )
    if lost == len(looked):
        return [Problem("max_length", f"{finding}. Raise it.")], []
    return [], [f"{finding}; such examples are left out of training."]
