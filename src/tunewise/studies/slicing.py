"""The columns that scores are broken down by, checked against the data."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.core.errors import Problem, nearest
from tunewise.data.table import Splits, cell_text
from tunewise.tasks.base import Task

LENGTH = "length"  # not a column: quartiles of the texts' length in characters
OF_ONE = "_length"  # likewise of one column alone, such as context_length


def slice_columns(
    slices: Sequence[str], splits: Splits, prepared: Splits, task: Task
) -> tuple[list[str], list[Problem]]:
    """The columns to keep beside those of the prepared rows, and what is wrong with the others.

    A row may lack a value; a split whose rows all lack the column has no such column. Training
    rows are never sliced.
    """
    problems = []
    # Columns of which the length in characters means something; `length` is that of all texts.
    measured = task.reading.words if len(task.reading.words) > 1 else ()
    if task.writing:
        measured = (*task.reading.words, task.reading.answer)
    lengths = {LENGTH, *(f"{column}{OF_ONE}" for column in measured)}
    scored = {name: rows for name, rows in splits.items() if name != "train"}
    for column in slices:
        for split, rows in scored.items():
            both = (*rows, *prepared.get(split, ()))
            found = {key for row in both for key in row if not key.startswith("_")}
            if column not in found | lengths:
                known = nearest(column, found | lengths)
                problems.append(Problem("slices", f"{split} has no column '{column}'. {known}"))
    own = {key for rows in prepared.values() for row in rows[:1] for key in row}
    taken = {*task.reading.columns, *own, "id", LENGTH}
    present = {key for rows in splits.values() for row in rows for key in row}
    taken |= lengths - present
    return [column for column in slices if column not in taken], problems


def with_columns(prepared: Splits, splits: Splits, columns: Sequence[str]) -> Splits:
    """The prepared rows with further columns of the data, as text."""
    if not columns:
        return prepared
    found: Splits = {}
    for split, rows in prepared.items():
        by_id = {str(row["id"]): row for row in splits[split]}
        found[split] = [
            {**row, **{column: cell_text(by_id[str(row["id"])].get(column)) for column in columns}}
            for row in rows
        ]
    return found
