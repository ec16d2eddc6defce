"""Opening a source: the tables of each split as they stand, before anything is done to them."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunewise.core.canonical import JSONObject
from tunewise.core.errors import InputError, Problem, nearest
from tunewise.core.files import sha256_of
from tunewise.data.class_names import agreed
from tunewise.data.embedded import EMBEDDED, embedded_splits
from tunewise.data.embedded_world.reviews import LABELS
from tunewise.data.labels import NAMES_FILE, read_names
from tunewise.data.locate import EMBEDDED_PREFIX, kind_of, missing, resolved
from tunewise.data.readers.files import data_files, read_file, split_files
from tunewise.data.readers.saved import is_saved, is_single, read_saved
from tunewise.data.settings import DataSettings
from tunewise.data.table import PLACE, SPLITS, Table, refuse_repeated_header, split_named


@dataclass(frozen=True)
class Source:
    """The tables of each split, with what is known about where they came from.

    `facts` are JSON values; `names` the class names that lay beside the data; `single` says that
    one file came without splits and counts as train.
    """

    tables: dict[str, Table]
    facts: JSONObject
    single: bool = False
    names: tuple[str, ...] | None = None
    notes: list[str] = field(default_factory=list)


def open_source(settings: DataSettings, base: Path) -> Source:
    """Read what the settings name, paths being taken from `base`.

    Raises:
        InputError: all problems of all files together.
    """
    source = _found(settings, base)
    return replace(source, tables=agreed(source.tables))


def _found(settings: DataSettings, base: Path) -> Source:
    if settings.source is None:
        return _from_files(settings.files or {}, base, "", settings.sheet)
    kind = kind_of(settings.source, base)
    if kind != "hub" and settings.revision:
        raise InputError([Problem("data.revision", f"belongs to a hub id; this is a {kind}.")])
    if kind not in ("hub", "folder") and settings.config:
        raise InputError([Problem("data.config", f"belongs to a hub id; this is a {kind}.")])
    if kind in ("hub", "embedded") and settings.sheet:
        raise InputError([Problem("data.sheet", f"belongs to a workbook; this is a {kind}.")])
    if kind in ("file", "embedded") and settings.files:
        raise InputError(
            [Problem("data.files", f"'{settings.source}' has no files in it; leave out one.")]
        )
    match kind:
        case "embedded":
            return _from_embedded(settings.source)
        case "hub":
            tables, commit = _hub().read_hub(
                settings.source, config=settings.config, revision=settings.revision
            )
            facts = {"hub": settings.source, "config": settings.config, "revision": commit}
            return _chosen(settings, tables, facts, settings.source)
        case "folder":
            return _from_folder(settings, settings.source, base)
        case "file":
            source = _from_files({"train": settings.source}, base, "", settings.sheet)
            return replace(source, single=True)


def _from_files(
    files: dict[str, str], folder: Path, prefix: str, sheet: str | None = None
) -> Source:
    """Each file as its split. Places begin with `prefix`, the folder as the user called it."""
    tables, problems, facts = {}, [], {}
    for split, name in files.items():
        try:
            path = resolved(name, folder)
            if not path.is_file():
                place = f"data.files.{split}"
                problem = missing(place, name, folder)
                if path.exists():
                    what = "a folder" if path.is_dir() else "no regular file"
                    problem = Problem(place, f"'{name}' is {what}; a data file is needed.")
                problems.append(problem)
                continue
            tables[split] = read_file(path, f"{prefix}{name}", sheet)
        except InputError as error:
            problems += error.problems
            continue
        facts[split] = {"file": f"{prefix}{name}", "sha256": sha256_of(path)}
    if problems:
        raise InputError(problems)
    names = None
    for beside in dict.fromkeys(resolved(name, folder).parent for name in files.values()):
        if (beside / NAMES_FILE).is_file():
            names = read_names(beside / NAMES_FILE, NAMES_FILE)
            break
    return Source(_in_order(tables), {"files": facts}, names=names)


def _from_folder(settings: DataSettings, source: str, base: Path) -> Source:
    folder, prefix = resolved(source, base), f"{source.rstrip('/')}/"
    if is_saved(folder) and not settings.config:
        tables, hashes = read_saved(folder, source.rstrip("/") or source)
        facts = {"folder": source, "sha256": hashes}
        opened = _chosen(settings, tables, facts, source)
        return replace(opened, single=is_single(folder))
    if settings.files:
        return _from_files(settings.files, folder, prefix, settings.sheet)
    files = {} if settings.config else split_files(folder, source)
    if files:
        named = {name: path.name for name, path in files.items()}
        return _from_files(named, folder, prefix, settings.sheet)
    of_hub = all(path.suffix == ".parquet" for path in data_files(folder))
    if (of_hub and any(folder.glob("**/*.parquet"))) or (folder / "README.md").is_file():
        tables = _hub().read_folder(folder, source, config=settings.config)
        return _by_split(tables, {"folder": source}, source)
    there = [path.name for path in data_files(folder)]
    example = f" Say which serves as what: data.files: {{train: {there[0]}}}" if there else ""
    raise InputError(
        [
            Problem(
                "data.source",
                f"no train.jsonl, .json, .csv, .tsv or .parquet in '{source}'. "
                f"There: {', '.join(there) or 'no data file'}.{example}",
            )
        ]
    )


def _chosen(
    settings: DataSettings, tables: dict[str, Table], facts: JSONObject, source: str
) -> Source:
    """The splits that the settings name, or those whose names are known."""
    refuse_repeated_header(tables.values())
    if not settings.files:
        return _by_split(tables, facts, source)
    problems = [
        Problem(f"data.files.{split}", f"'{source}' has no split '{name}'. {nearest(name, tables)}")
        for split, name in settings.files.items()
        if name not in tables
    ]
    if problems:
        raise InputError(problems)
    chosen = {split: tables[name] for split, name in settings.files.items()}
    return Source(_in_order(chosen), {**facts, "splits": dict(settings.files)})


def _by_split(tables: dict[str, Table], facts: JSONObject, source: str) -> Source:
    """Take the splits whose names are known, and say which were left."""
    known = {split: table for name, table in tables.items() if (split := split_named(name))}
    left = [name for name in tables if not split_named(name)]
    if not known:
        raise InputError(
            [
                Problem(
                    "data.source",
                    f"'{source}' has the splits {', '.join(tables)}. Say which serves as what: "
                    f"data.files: {{train: {next(iter(tables))}}}",
                )
            ]
        )
    notes = [f"{source}: not used: {', '.join(left)}."] if left else []
    return Source(_in_order(known), facts, notes=notes)


def _from_embedded(source: str) -> Source:
    name = source.removeprefix(EMBEDDED_PREFIX)
    if name not in EMBEDDED:
        raise InputError(
            [Problem("data.source", f"no '{name}' is embedded. {nearest(name, EMBEDDED)}")]
        )
    tables = {
        split: Table(
            tuple(rows[0]),
            [{**row, PLACE: f"{source} {split}[{at}]"} for at, row in enumerate(rows)],
        )
        for split, rows in embedded_splits(name).items()
    }
    names = LABELS if name == "reviews" else None  # in their order, worst first
    return Source(_in_order(tables), {"embedded": name}, names=names)


def _hub() -> Any:
    """The module that imports `datasets`, which takes two seconds: only hub ids wait for it."""
    return importlib.import_module("tunewise.data.readers.hub")


def _in_order(tables: dict[str, Table]) -> dict[str, Table]:
    return {name: tables[name] for name in SPLITS if name in tables}
