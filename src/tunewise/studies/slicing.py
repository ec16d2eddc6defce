"""The columns that scores are broken down by, checked against the data."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.core.errors import Problem, nearest
from tunewise.data.rows import Splits
from tunewise.tasks.base import Task

LENGTH = "length"  # not a column: quartiles of the text's length in characters


def slice_columns(
    slices: Sequence[str], splits: Splits, task: Task
) -> tuple[list[str], list[Problem]]:
    """The columns to keep beside those of the task, and what is wrong with the others.

    A row may lack a value; a split whose rows all lack the column has no such column. Training
    rows are never sliced.
    """
    problems = []
    scored = {name: rows for name, rows in splits.items() if name != "train"}
    for column in slices:
        for split, rows in scored.items():
            found = {key for row in rows for key in row if not key.startswith("_")}
            if column not in found and column != LENGTH:
                known = nearest(column, {*found, LENGTH})
                problems.append(Problem("slices", f"{split} has no column '{column}'. {known}"))
    taken = {*task.columns(), "id", LENGTH}
    return [column for column in slices if column not in taken], problems
