"""Texts to be answered: a file with a task's text columns, or texts given outright."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tunewise.core.errors import InputError, Problem, nearest
from tunewise.data.columns import named_rows
from tunewise.data.examples import Example
from tunewise.data.files import read_file
from tunewise.data.rows import PLACE, Row

PREFIX = "row"  # of the ids of rows that bring none, counted from 0


def read_inputs(
    path: Path, shown: str, texts: Sequence[str], *, rename: Mapping[str, str]
) -> list[Example]:
    """The rows of a JSONL, CSV, TSV or Parquet file as examples without labels.

    Other columns, labels among them, are left alone.

    Args:
        path: the file.
        shown: how the user called it; errors begin with it.
        texts: the task's text columns.
        rename: from a column's name in the study to its name in the study's data. A file may
            use either.

    Raises:
        InputError: all that is wrong with the file.
    """
    if not path.is_file():
        there = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError([Problem(shown, f"no such file. {nearest(path.name, there)}")])
    table = read_file(path, shown)
    used = {ours: theirs for ours, theirs in rename.items() if theirs in table.columns}
    problems = [
        Problem(shown, f"has no column '{column}'. {nearest(column, table.columns)}")
        for column in texts
        if column not in table.columns and column not in used
    ]
    if problems:
        raise InputError(problems)
    rows = named_rows({"input": table}, texts, rename=used, prefix=PREFIX)["input"]
    if problems := [problem for row in rows for problem in _no_text(row, texts)]:
        raise InputError(problems)
    return [Example(row["id"], tuple(row[column] for column in texts)) for row in rows]


def given_input(values: Sequence[str], texts: Sequence[str]) -> list[Example]:
    """One example of texts given outright, in the order of the task's columns.

    Raises:
        InputError: there are fewer or more texts than the task reads.

    >>> given_input(["Cold room."], ["text"])
    [Example(id='row-0', texts=('Cold room.',), label=None)]
    """
    if len(values) != len(texts):
        asked = " and ".join(texts)
        raise InputError(f"--text: given {len(values)} times; this study reads {asked}, in order.")
    return [Example(f"{PREFIX}-0", tuple(values))]


def _no_text(row: Row, texts: Sequence[str]) -> list[Problem]:
    return [
        Problem(row[PLACE], f"'{column}' is {row[column]!r}; a text is needed.")
        for column in texts
        if not isinstance(row[column], str)
    ]
