"""What lm-evaluation-harness writes with ``--log_samples``: ``samples_<task>_<time>.jsonl``.

One line for each example and filter: `doc_id`, `doc`, `target`, `filtered_resps`, `filter`,
`metrics`, and a value for each metric. The folder is called as the model is, with ``__`` where
that has a slash; a model that is evaluated again gets one more file in it.

Source: lm-evaluation-harness 0.4, ``lm_eval/evaluator.py`` and ``loggers/evaluation_tracker.py``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath

from tunewise.core.errors import InputError, Problem
from tunewise.core.format import listed
from tunewise.data.table import PLACE, Row, Table
from tunewise.judging.asked import Asked, one_of
from tunewise.judging.runs import Known, Run, Sheet

SAMPLES = re.compile(r"samples_(?P<task>.+?)(?:_\d{4}-\d\d-\d\dT[\d.:-]+)?\.jsonl")
KEYS = {"doc_id", "resps", "filtered_resps"}
OTHERS = KEYS | {"doc", "target", "arguments", "filter", "metrics", "schema_version", PLACE}


def is_samples(table: Table) -> bool:
    return set(table.columns) >= KEYS


def task_of(place: str) -> str:
    """The task in the name of a file of samples.

    >>> task_of("out/gpt2/samples_gsm8k_cot_2026-11-27T01-02-03.456789.jsonl")
    'gsm8k_cot'
    """
    found = SAMPLES.fullmatch(PurePath(place).name)
    return found["task"] if found else PurePath(place).stem


def newest(paths: Sequence[Path]) -> dict[Path, tuple[str, ...]]:
    """The last samples of each folder and task, with what that leaves out.

    A model that was evaluated again has no other seed.
    """
    groups: dict[tuple[Path, str], list[Path]] = {}
    for path in paths:
        groups.setdefault((path.parent, task_of(str(path))), []).append(path)
    found: dict[Path, tuple[str, ...]] = {}
    for (folder, task), own in groups.items():
        says = f"{folder.as_posix()} has {len(own)} evaluations of {task}; the last counts."
        found[max(own, key=lambda path: path.name)] = (says,) if len(own) > 1 else ()
    return found


def samples_run(table: Table, place: str, asked: Asked) -> Run:
    """The scores that the harness gave each example.

    Raises:
        InputError: several filters or no metric, or one that was asked for and is not there.
    """
    filters = [str(row.get("filter", "none")) for row in table.rows]
    kept = one_of("filter", "--filter", filters, asked.filter)
    rows = [row for row, name in zip(table.rows, filters, strict=True) if name == kept]
    metric = _metric(rows, place, asked.columns.get("score"))
    problems = [
        Problem(row[PLACE], f"{metric} = {row.get(metric)!r:.40}: a number is needed.")
        for row in rows
        if not isinstance(row.get(metric), int | float)
    ]
    if problems:
        raise InputError(problems)
    called = PurePath(place).parent.as_posix().replace("__", "/")
    sheet = Sheet(
        tuple(str(row["doc_id"]) for row in rows),
        labels=[str(row.get("doc_hash", "")) for row in rows],
        scores=[float(row[metric]) for row in rows],
        scored_by=metric,
        place=place,
    )
    return Run(place, called, sheet=sheet, known=Known())


def _metric(rows: list[Row], place: str, wanted: str | None) -> str:
    """The metric that was asked for, or the first that has a number for each example."""
    first = rows[0]
    listed_first = [str(name) for name in first.get("metrics") or ()]
    numbers = [
        name
        for name in dict.fromkeys([*listed_first, *first])
        if name not in OTHERS and isinstance(first.get(name), int | float)
    ]
    if wanted is not None and wanted in first and wanted not in numbers:
        message = f"{wanted} has no number for each example, only one over all of them."
        raise InputError([Problem(place, message)])
    if wanted is not None:
        return one_of("metric", "--columns score", numbers or [""], wanted)
    if not numbers:
        names = listed_first or sorted(set(first) - OTHERS)
        message = f"has no score for each example (metrics: {listed(names) if names else 'none'})."
        raise InputError([Problem(place, message)])
    return numbers[0]
