"""Files and folders become runs: whose they are is seen from their content."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tunewise.core.errors import DamagedFile, InputError, Problem, nearest
from tunewise.core.files import read_json
from tunewise.data.readers.files import ENDINGS, data_files, read_file
from tunewise.judging.asked import Asked, one_of
from tunewise.judging.columns import ROLES
from tunewise.judging.runs import Run
from tunewise.judging.sources import harness, inspect_log, peft, trainer
from tunewise.judging.sources.tables import table_runs

Read = Callable[[Asked], list[Run]]


def read_runs(paths: Sequence[Path], asked: Asked) -> list[Run]:
    """The runs in files and folders, in their order.

    Raises:
        InputError: everything that is wrong with all of them.
    """
    problems: list[Problem] = []
    reads: list[tuple[str | None, Read]] = []
    for path in dict.fromkeys(paths):
        try:
            reads += [found for part in _parts(path) for found in _recognized(part)]
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    tasks = [task for task, _ in reads if task is not None]
    if tasks:  # of several tasks, only one is asked about
        kept = one_of("task", "--task", tasks, asked.task)
        reads = [(task, read) for task, read in reads if task in (None, kept)]
    runs: list[Run] = []
    for _, read in reads:
        try:
            runs += read(asked)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return runs


def read_labels(path: Path, columns: dict[str, str]) -> dict[str, Any]:
    """The right answer of each example, by id.

    Raises:
        InputError: the file has no ids or no labels.
    """
    table, place = read_file(path, str(path)), str(path)
    folded = {column.casefold(): column for column in reversed(table.columns)}
    found = {}
    for role in ("id", "label"):
        names = [columns[role]] if role in columns else list(ROLES[role])
        column = next(
            (folded[name.casefold()] for name in names if name.casefold() in folded), None
        )
        if column is None:
            message = f"has no column for {role}: one of {', '.join(ROLES[role][:6])} is needed."
            raise InputError([Problem(place, message)])
        found[role] = column
    labels = [row.get(found["label"]) for row in table.rows]
    texts = [one.get("text", one) if isinstance(one, dict) else one for one in labels]
    return {str(row.get(found["id"])): text for row, text in zip(table.rows, texts, strict=True)}


def _parts(path: Path) -> Iterator[Path]:
    """A file, or what of a folder is a run: folders of a Trainer, samples, logs, tables."""
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        beside = path.parent.iterdir() if path.parent.is_dir() else iter(())
        near = nearest(path.name, [one.name for one in beside])
        raise InputError([Problem(str(path), f"no such file or folder. {near}")])
    states = sorted(path.rglob(trainer.STATE))
    tops = [one.parent for one in states if not one.parent.name.startswith("checkpoint-")]
    if states:
        yield from tops or [states[-1].parent]
        return
    samples = sorted(one for one in path.rglob("*.jsonl") if harness.SAMPLES.fullmatch(one.name))
    found = samples or data_files(path) or sorted(p for p in path.rglob("*") if p.suffix in ENDINGS)
    if not found:
        raise InputError(
            [Problem(str(path), f"holds no file that is read ({', '.join(ENDINGS)}).")]
        )
    yield from found


def _recognized(path: Path) -> Iterator[tuple[str | None, Read]]:
    """What a file is about, where it says so, and how it is read."""
    place = str(path)
    if path.is_dir():
        yield None, lambda asked: [trainer.trainer_run(path, asked)]
    elif path.suffix.lower() == ".json" and isinstance(content := _json(path), dict):
        yield _of_object(path, content)
    else:
        table = read_file(path, place)
        if harness.is_samples(table):
            yield harness.task_of(place), lambda asked: [harness.samples_run(table, place, asked)]
        else:
            yield None, lambda asked: table_runs(table, place, asked)


def _of_object(path: Path, content: dict[str, Any]) -> tuple[str | None, Read]:
    place = str(path)
    if inspect_log.is_log(content):
        task = inspect_log.task_in(content)
        return task, lambda asked: inspect_log.log_runs(content, place, asked)
    if peft.is_result(content):
        return None, lambda asked: [peft.result_run(content, place)]
    table = read_file(path, place)
    return None, lambda asked: table_runs(table, place, asked)


def _json(path: Path) -> Any:
    """What a .json file holds; nothing where its own reader has to say what is wrong with it."""
    try:
        return read_json(path)
    except DamagedFile:
        return None
