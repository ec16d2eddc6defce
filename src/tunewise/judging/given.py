"""Runs as Python has them: frames, data sets, columns, arrays, scores."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tunewise.core.errors import InputError, Problem
from tunewise.data.table import PLACE, Table
from tunewise.judging.asked import Asked
from tunewise.judging.columns import sheet_of
from tunewise.judging.reading import read_runs
from tunewise.judging.runs import Alone, Run, Sheet
from tunewise.judging.sources.tables import are_scores, with_labels

Given = Any
"""Whatever `run_of` takes: other libraries' frames have no type that we could name."""

KINDS = (
    "a data frame, a data set, a mapping of columns, a list of rows, a pair (labels, predictions), "
    "an array of one score for each example, a number, or a path is needed"
)


def run_of(given: Given, place: str, asked: Asked) -> Run:
    """One run.

    Raises:
        InputError: it is of no kind that is known, or whatever is wrong in it.
    """
    if isinstance(given, str | os.PathLike):
        runs = read_runs([Path(given)], asked)
        if len(runs) != 1:
            message = f"holds {len(runs)} runs; one is needed here. All of them: `tunewise judge`."
            raise InputError([Problem(str(given), message)])
        return runs[0]
    if isinstance(given, int | float | np.number) and not isinstance(given, bool):
        if not np.isfinite(given):
            raise InputError([Problem(place, f"{given}: a finite number is needed.")])
        return Run(place, alone=Alone(float(given), None, asked.metric))
    if isinstance(given, tuple) and len(given) == 2:
        labels, predictions = (list(np.asarray(one).tolist()) for one in given)
        if len(labels) != len(predictions):
            counts = f"{len(labels):,} labels and {len(predictions):,} predictions."
            raise InputError([Problem(place, counts)])
        sheet = _numbered(len(labels), place, labels=labels, predictions=predictions)
        return Run(place, sheet=sheet)
    columns = _columns(given)
    if columns is not None:
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
            raise InputError([Problem(place, f"its columns differ in length: {told}.")])
        if not lengths or not next(iter(lengths.values())):
            raise InputError([Problem(place, "has no rows.")])
        table = Table(
            tuple(columns),
            [
                {**dict(zip(columns, row, strict=True)), PLACE: f"{place}[{number}]"}
                for number, row in enumerate(zip(*columns.values(), strict=True))
            ],
        )
        if are_scores(table, asked):
            message = "has a score for each run; give them by seed, such as {0: 0.81, 1: 0.79}."
            raise InputError([Problem(place, message)])
        return Run(place, sheet=with_labels(sheet_of(table, place, asked.columns), asked))
    return Run(place, sheet=_array(given, place, asked))


def is_several(given: Given) -> bool:
    """Whether a list is of runs, and not the rows or the scores of one.

    >>> is_several([{"id": [1], "score": [0]}]), is_several([{"id": 1, "score": 0}])
    (True, False)
    """
    if not isinstance(given, list) or not given:
        return False
    first = given[0]
    if isinstance(first, Mapping):  # a row has a value, a run a column
        return all(hasattr(one, "__len__") and not isinstance(one, str) for one in first.values())
    return True


def _columns(given: Given) -> dict[str, list[Any]] | None:
    """The columns of anything that has some."""
    if isinstance(given, Mapping):
        return {str(name): _plain(values) for name, values in given.items()}
    if isinstance(given, Sequence) and given and isinstance(given[0], Mapping):
        names = dict.fromkeys(str(name) for row in given for name in row)
        return {name: [row.get(name) for row in given] for name in names}
    if hasattr(given, "to_pydict"):  # an Arrow table
        return dict(given.to_pydict())
    if hasattr(given, "column_names"):  # of `datasets`
        return {name: _plain(given[name]) for name in given.column_names}
    if hasattr(given, "columns"):  # a frame of pandas or polars
        return {str(name): _plain(given[name]) for name in given.columns}
    return None


def _plain(values: Any) -> list[Any]:
    for method in ("tolist", "to_list"):
        if hasattr(values, method):
            return list(getattr(values, method)())
    return list(values)


def _array(given: Given, place: str, asked: Asked) -> Sheet:
    """One score for each example; with labels from elsewhere, one prediction."""
    values = np.asarray(given)
    if values.ndim != 1 or values.size == 0 or values.dtype == object:
        raise InputError([Problem(place, f"{type(given).__name__}: {KINDS}.")])
    if asked.labels is not None:
        sheet = _numbered(len(values), place, predictions=values.tolist())
        found: Sheet = with_labels(sheet, asked)
        return found
    if values.dtype.kind in "bif" and not np.isfinite(values.astype(np.float64)).all():
        where = int(np.flatnonzero(~np.isfinite(values.astype(np.float64)))[0])
        raise InputError([Problem(place, f"[{where}] is {values[where]}: no score of an example.")])
    if values.dtype.kind not in "bif":
        message = "has predictions without labels: give judge(..., labels=...), or one score each."
        raise InputError([Problem(place, message)])
    return _numbered(len(values), place, scores=values.astype(np.float64).tolist())


def _numbered(examples: int, place: str, **columns: Any) -> Sheet:
    ids = tuple(str(number) for number in range(examples))
    return Sheet(ids, numbered=True, place=place, **columns)
