"""Files and folders become runs: whose they are is seen from their content."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tunewise.core.errors import DamagedFile, InputError, Problem
from tunewise.core.files import read_json
from tunewise.core.format import first_of
from tunewise.data.readers.files import ENDINGS, data_files, read_file
from tunewise.data.table import PLACE, twice_in
from tunewise.judging.asked import Asked, one_of
from tunewise.judging.columns import ROLES
from tunewise.judging.runs import Run
from tunewise.judging.sources import harness, inspect_archive, inspect_log, peft, trainer
from tunewise.judging.sources.tables import table_runs
from tunewise.store.study import is_study

READ = (*ENDINGS, inspect_archive.ENDING)


@dataclass(frozen=True)
class _Source:
    """A file or folder that was recognized: how it is read, and what it is about if it says so."""

    read: Callable[[Asked], list[Run]]
    task: str | None = None
    assumed: tuple[str, ...] = ()


def read_runs(paths: Sequence[Path], asked: Asked) -> list[Run]:
    """The runs in files and folders, in their order.

    Raises:
        InputError: everything that is wrong with all of them.
    """
    problems: list[Problem] = []
    sources: list[_Source] = []
    for path in dict.fromkeys(paths):
        try:
            sources += [_recognized(part, says) for part, says in _parts(path)]
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    tasks = [one.task for one in sources if one.task is not None]
    if tasks:  # of several tasks, only one is asked about
        kept = one_of("task", "--task", tasks, asked.task)
        sources = [one for one in sources if one.task in (None, kept)]
    else:
        for option, value in (("--task", asked.task), ("--filter", asked.filter)):
            if value is not None:
                message = f"{option} {value}: it is of evaluation harnesses, and no file is of one."
                raise InputError(message)
    runs: list[Run] = []
    for source in sources:
        try:
            found = source.read(asked)
        except InputError as error:
            problems += error.problems
        else:
            runs += [replace(run, assumed=(*source.assumed, *run.assumed)) for run in found]
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
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
    problems = [
        Problem(row[PLACE], f"'{found[role]}' is missing.")
        for row in table.rows
        for role in found
        if row.get(found[role]) is None
    ]
    ids = [str(row.get(found["id"])) for row in table.rows]
    if twice := twice_in(ids):
        problems.append(Problem(place, f"has several labels for {first_of(twice)}."))
    if problems:
        raise InputError(problems)
    labels = [row[found["label"]] for row in table.rows]
    texts = [one.get("text", one) if isinstance(one, dict) else one for one in labels]
    return dict(zip(ids, texts, strict=True))


def _parts(path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """A file, or what of a folder is a run, each with what was assumed in choosing it."""
    if path.is_file():
        yield path, ()
        return
    if not path.is_dir():
        if path.is_symlink():
            raise InputError(
                [Problem(str(path), f"is a link, and {path.readlink()} is not there.")]
            )
        beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        close = get_close_matches(path.name, beside, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        raise InputError([Problem(str(path), f"no such file or folder.{hint}")])
    if is_study(path):
        message = f"a study of Tunewise, which has its own verdict: tunewise results {path}"
        raise InputError([Problem(str(path), message)])
    states = sorted(path.rglob(trainer.STATE))
    tops = [one.parent for one in states if not one.parent.name.startswith("checkpoint-")]
    if states:
        yield from ((top, ()) for top in tops or [states[-1].parent])
        return
    samples = sorted(one for one in path.rglob("*.jsonl") if harness.SAMPLES.fullmatch(one.name))
    if samples:
        yield from harness.newest(samples).items()
        return
    here = data_files(path) + sorted(path.glob(f"*{inspect_archive.ENDING}"))
    found = here or sorted(p for p in path.rglob("*") if p.suffix.lower() in READ)
    if not found:
        raise InputError([Problem(str(path), f"holds no file that is read ({', '.join(READ)}).")])
    yield from ((one, ()) for one in found)


def _recognized(path: Path, assumed: tuple[str, ...]) -> _Source:
    """What a file is about, where it says so, and how it is read."""
    place, ending = str(path), path.suffix.lower()
    if path.is_dir():
        return _Source(lambda asked: [trainer.trainer_run(path, asked)])
    if ending == inspect_archive.ENDING:
        return _of_object(path, inspect_archive.unpacked(path))
    if ending == ".json" and isinstance(content := _json(path), dict):
        return _of_object(path, content)
    table = read_file(path, place)
    if harness.is_samples(table):
        task = harness.task_of(place)
        return _Source(lambda asked: [harness.samples_run(table, place, asked)], task, assumed)
    return _Source(lambda asked: table_runs(table, place, asked), assumed=table.notes)


def _of_object(path: Path, content: dict[str, Any]) -> _Source:
    place = str(path)
    if inspect_log.is_log(content):
        task = inspect_log.task_in(content)
        return _Source(lambda asked: inspect_log.log_runs(content, place, asked), task)
    if peft.is_result(content):
        return _Source(lambda asked: [peft.result_run(content, place)])
    table = read_file(path, place)
    return _Source(lambda asked: table_runs(table, place, asked), assumed=table.notes)


def _json(path: Path) -> Any:
    """What a .json file holds; nothing where its own reader has to say what is wrong with it."""
    try:
        return read_json(path)
    except DamagedFile:
        return None
