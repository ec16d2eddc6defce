"""Whether examples keep something to learn from once a model reads them, and what that is."""

from __future__ import annotations

from typing import Any, NamedTuple

from tunewise.core.errors import InputError, Problem
from tunewise.core.format import first_of, plural
from tunewise.data.table import Row, Splits
from tunewise.tasks.base import Task
from tunewise.tasks.marked import Stretch, stretches

SHOWN = 3  # rows whose learned tokens are shown
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


class Proven(NamedTuple):
    """What is wrong with rows as a model reads them, and those that it has no room for."""

    problems: list[Problem]
    unfit: dict[str, list[str]]  # by split, their ids

    def refused(self, limit: int) -> list[Problem]:
        """The problems, where rows that do not fit are one too."""
        return [
            *self.problems,
            *(
                Problem(
                    split,
                    f"{plural(len(ids), 'row')} ({first_of(ids)}) cannot be asked: the last "
                    f"question with room for an answer does not fit in {limit} tokens. Raise "
                    "training.max_length, or say data.on_too_long: drop.",
                )
                for split, ids in self.unfit.items()
            ),
        ]


def proven(task: Task, splits: Splits, processor: Any, limit: int) -> Proven:
    """Every row as this model reads it, where the task can tell what is wrong with one.

    Args:
        task: whose rows they are.
        splits: the rows as prepared.
        processor: the model's tokenizer.
        limit: tokens an example may have.
    """
    problems: list[Problem] = []
    unfit: dict[str, list[str]] = {}
    for name, rows in splits.items() if task.proves_rows else ():
        examples = [task.read(row) for row in rows]
        learning = name == "train"
        try:
            read = task.encode(examples, processor, max_length=limit, learning=learning)
        except InputError as error:
            problems += [Problem(name, str(each)) for each in error.problems]
            continue
        if ids := [one.id for one in read if not one.fits]:
            unfit[name] = ids
    return Proven(problems, unfit)


def learned_rows(
    task: Task, rows: list[Row], processor: Any, limit: int
) -> tuple[tuple[Stretch, ...], ...]:
    """The first training examples with what of them is learned; none where nothing is written."""
    if not task.writing:
        return ()
    examples = [task.read(row) for row in rows[:SHOWN]]
    learnt = task.encode(examples, processor, max_length=limit, learning=True)
    return tuple(tuple(stretches(one, processor)) for one in learnt)
