"""Tables: predictions example by example, or scores of runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tunewise.core.errors import InputError, Problem, nearest
from tunewise.core.format import is_fraction, listed, plural
from tunewise.data.table import PLACE, Row, Table, twice_in
from tunewise.judging.asked import Asked
from tunewise.judging.columns import ROLES, sheet_of
from tunewise.judging.runs import Alone, Known, Run
from tunewise.statistics.metrics import GIVEN, METRICS

WHOSE = ("contender", "name", "method", "model", "run", "system", "config", "experiment")
SEED = ("seed", "random_seed", "random_state")
NUMBERS = ("run", "run_id", "trial", "repeat", "repetition", "replicate", "rep")  # of runs
COUNT = ("examples", "n", "num_examples", "n_examples", "test_examples", "count", "items")
WHOLE = re.compile(r"\d+(\.0*)?")
BEFORE = re.compile(r"^(?:test|eval|predict|final|mean)[_ /-]")
SETTINGS = ("epochs", "batch_size", "learning_rate", "steps", "max_length", "optimizer", "warmup")


def table_runs(table: Table, place: str, asked: Asked) -> list[Run]:
    """One run, one for each name and seed where the table has several, or scores of runs.

    Raises:
        InputError: whatever is wrong in it.
    """
    whose, seed, assumed = _of_runs(table)
    if are_scores(table, asked):
        scored = _scores(table, place, whose, seed, asked)
        return [replace(run, assumed=assumed) for run in scored]
    parts = list(_parts(table, whose, seed, asked))
    runs = []
    for name, number, part in parts:
        of_part = place if len(parts) == 1 else f"{place} ({name}, seed {number})"
        sheet = with_labels(sheet_of(part, of_part, asked.columns), asked)
        told = assumed if len(parts) > 1 else ()
        runs.append(Run(of_part, place, name, number, sheet, assumed=told))
    return runs


def are_scores(table: Table, asked: Asked) -> bool:
    """Whether each row is a run with its score: it has a name or a seed of its own, and no answer.

    The name of a column of scores says nothing of this.
    """
    whose, seed, _ = _of_runs(table)
    named = {column for role, column in asked.columns.items() if role != "score"}
    if any(column in {*ROLES["prediction"], *ROLES["id"], *named} for column in table.columns):
        return False
    seeds = {row.get(seed) for row in table.rows} if seed else set()
    return whose is not None or len(seeds) == len(table.rows)


def _of_runs(table: Table) -> tuple[str | None, str | None, tuple[str, ...]]:
    """The columns of names and of seeds, and what was assumed: that numbers of runs are seeds."""
    whose, seed = _first(table, WHOSE), _first(table, SEED)
    numbers = _first(table, NUMBERS) if seed is None else None
    if numbers and all(WHOLE.fullmatch(str(row.get(numbers, ""))) for row in table.rows):
        whose = _first(table, [name for name in WHOSE if name != numbers.casefold()])
        says = f"The column '{numbers}' is taken for the seed; one that names contenders is 'name'."
        return whose, numbers, (says,)
    return whose, seed, ()


def with_labels(sheet: Any, asked: Asked) -> Any:
    """The sheet with the right answers from elsewhere, where it has none itself.

    Raises:
        InputError: an example of the sheet is not among them.
    """
    if asked.labels is None or sheet.labels is not None:
        return sheet
    lacking = [id for id in sheet.ids if id not in asked.labels]
    if lacking:
        others = f", nor {plural(len(lacking) - 1, 'other')}" if len(lacking) > 1 else ""
        message = (
            f"--labels has no example '{lacking[0]}'{others}, of {len(sheet.ids):,}. "
            f"{nearest(lacking[0], list(asked.labels)[:1000])[:200]}"
        )
        raise InputError([Problem(sheet.place, message)])
    return replace(sheet, labels=[asked.labels[id] for id in sheet.ids])


def _parts(
    table: Table, whose: str | None, seed: str | None, asked: Asked
) -> Iterator[tuple[str | None, int | None, Table]]:
    """The rows of each run, where ids repeat and the table says whose rows they are."""
    id = asked.columns.get("id") or _first(table, ROLES["id"])
    repeats = id is not None and len({str(row.get(id)) for row in table.rows}) < len(table.rows)
    if not repeats or not (whose or seed):
        yield None, None, table
        return
    groups: dict[tuple[Any, Any], list[Row]] = {}
    for row in table.rows:
        groups.setdefault((row.get(whose or ""), row.get(seed or "")), []).append(row)
    for (name, _), rows in groups.items():
        kept = None if name is None else str(name)
        yield kept, _whole(rows[0], seed), replace(table, rows=rows)


def _whole(row: Row, column: str | None) -> int | None:
    value = None if column is None else row.get(column)
    if value in (None, ""):
        return None
    if not WHOLE.fullmatch(str(value)):
        message = f"{column} = {value!r:.40}: a whole number is needed."
        raise InputError([Problem(row[PLACE], message)])
    return int(float(value))


def _first(table: Table, names: Sequence[str]) -> str | None:
    folded = {column.casefold(): column for column in table.columns}
    return next((folded[name] for name in names if name in folded), None)


def _scores(
    table: Table, place: str, whose: str | None, seed: str | None, asked: Asked
) -> list[Run]:
    """A row for each run; where no column names contenders, the file does."""
    column, metric = _score_column(table, place, asked)
    count = _first(table, COUNT)
    values: list[tuple[Row, float]] = []
    for row in table.rows:
        try:
            values.append((row, float(row.get(column, ""))))
        except (TypeError, ValueError):
            message = f"{column} = {row.get(column)!r:.40}: a number is needed."
            raise InputError([Problem(row[PLACE], message)]) from None
    percent = is_fraction(metric) and any(value > 1 for _, value in values)
    if percent and (low := next(((row, v) for row, v in values if 0 < v <= 1), None)):
        message = (
            f"{column} = {low[1]:g}, and others are above 1. Write all as fractions or percents."
        )
        raise InputError([Problem(low[0][PLACE], message)])
    runs, problems = [], []
    for row, value in values:
        if percent and not 0 <= value <= 100:
            problems.append(Problem(row[PLACE], f"{column} = {value:g} is no fraction or percent."))
        examples = _whole(row, count)
        if examples == 0:
            problems.append(Problem(row[PLACE], f"{count} = 0: a score of no examples is none."))
        settings = {key: row[key] for key in SETTINGS if row.get(key) not in (None, "")}
        steps = _whole(row, "steps" if settings.pop("steps", None) else None)
        known = Known(training=settings, steps=steps)
        alone = Alone(value / 100 if percent else value, examples, metric)
        number = _whole(row, seed)
        name = None if whose is None else str(row[whose])
        runs.append(Run(row[PLACE], place, name, number, alone=alone, known=known))
    if problems:
        raise InputError(problems)
    twice = twice_in([f"{run.name}, seed {run.seed}" for run in runs if run.seed is not None])
    if twice:
        message = f"{listed(twice)}: there are several rows. Each run has one."
        raise InputError([Problem(place, message)])
    return runs


def _score_column(table: Table, place: str, asked: Asked) -> tuple[str, str]:
    """The column of the score, and the metric that its name stands for."""
    if column := asked.columns.get("score"):
        if column not in table.columns:
            message = (
                f"has no column '{column}' for --columns score. {nearest(column, table.columns)}"
            )
            raise InputError([Problem(place, message)])
        return column, asked.metric or _metric(column) or GIVEN
    found = {column: metric for column in table.columns if (metric := _metric(column))}
    if asked.metric is not None:
        found = {column: metric for column, metric in found.items() if metric == asked.metric}
    if len(found) != 1:
        if found:
            which, first = f"several columns of scores: {listed(list(found))}", next(iter(found))
        else:
            which, first = f"no column of {asked.metric or 'scores'}", "..."
        has = listed([f"'{column}'" for column in table.columns], most=8)
        message = (
            f"has {which} (its columns: {has}). A table of scores has a row for each run, such as "
            f"name,seed,accuracy. Name the one that counts: --columns score={first}"
        )
        raise InputError([Problem(place, message)])
    return next(iter(found.items()))


def _metric(column: str) -> str | None:
    """The metric of ours that a column's name stands for."""
    name = BEFORE.sub("", column.casefold().replace(" ", "_"))
    others = {"acc": "accuracy", "em": "exact_match", "macro_f1": "f1_macro", "mcc": "matthews"}
    name = others.get(name, name)
    if name in METRICS:
        return name
    return GIVEN if name in {*ROLES["score"], "value", "result"} else None
