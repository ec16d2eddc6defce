"""From the settings to splits: found, read, named, cut and limited."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunewise.core.errors import InputError, Problem, nearest
from tunewise.core.files import sha256_of
from tunewise.data.columns import named_rows
from tunewise.data.embedded import EMBEDDED, embedded_splits
from tunewise.data.files import data_files, read_file, split_files
from tunewise.data.labels import NAMES_FILE, is_missing, read_names, spelling
from tunewise.data.locate import EMBEDDED_PREFIX, kind_of, missing, resolved
from tunewise.data.rows import PLACE, SPLITS, Splits, Table, plural, split_named
from tunewise.data.settings import DataSettings
from tunewise.data.splits import apply_rule, limited
from tunewise.data.world.reviews import LABELS


@dataclass(frozen=True)
class Data:
    """The splits of a study, and how they came to be.

    `names` are the class names that lay with the data; `facts` goes into the study's record (JSON
    values); `notes` is what a person should know.
    """

    splits: Splits
    names: tuple[str, ...] | None
    facts: dict[str, Any]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Source:
    """The tables of each split before anything is done to them."""

    tables: dict[str, Table]
    facts: dict[str, Any]
    single: bool = False  # one file without splits
    names: tuple[str, ...] | None = None
    notes: list[str] = field(default_factory=list)


def read_splits(
    settings: DataSettings, columns: Sequence[str], base: Path, *, label: str | None = None
) -> Splits:
    """The splits alone; see `read_data`."""
    return read_data(settings, columns, base, label=label).splits


def read_data(
    settings: DataSettings, columns: Sequence[str], base: Path, *, label: str | None = None
) -> Data:
    """Read, check and cut the data of a study.

    Args:
        settings: what the study file says.
        columns: what the task reads, by its own names; `settings.columns` renames.
        base: the folder that paths are taken from, that of the study file.
        label: the column whose shares the split rule and the limit keep, and whose missing
            values `on_missing_label` speaks of.

    Returns:
        Rows with ``id``, ``_place`` and every column of the data. Train and validation are there
        and not empty; test may be absent.

    Raises:
        InputError: all problems of all files together.
    """
    source = _open(settings, base)
    notes = [*source.notes, *(note for table in source.tables.values() for note in table.notes)]
    rule = settings.split
    wanted = [*columns, *([rule.group] if rule and rule.group else [])]
    splits = named_rows(
        source.tables,
        wanted,
        rename=settings.columns or {},
        optional=label,
        prefix="row" if source.single else None,
    )
    facts = {**source.facts, "read": {name: len(rows) for name, rows in splits.items()}}
    if label and settings.on_missing_label == "drop":
        splits, dropped = _without_missing(splits, label)
        facts["dropped_without_label"] = dropped
        notes += _dropped_notes(dropped, "without a label were dropped")
    if rule:
        splits, unused = apply_rule(splits, rule, label=label)
        facts["unused"] = unused
        notes += [f"{plural(unused, 'row')} of {rule.from_} are in no part."] if unused else []
    _check_splits(splits, source)
    if settings.limit is not None:
        splits = limited(splits, settings.limit, label=label, seed=rule.seed if rule else 0)
    if label and settings.on_unseen_label == "drop":
        splits, dropped = _without_unseen(splits, label)
        facts["dropped_unseen_label"] = dropped
        notes += _dropped_notes(dropped, "with a label that train lacks were dropped")
        _check_splits(splits, source)
    names = source.names or _carried_names(source.tables, settings, label)
    return Data(splits, names, facts, tuple(notes))


def _open(settings: DataSettings, base: Path) -> _Source:
    if settings.source is None:
        return _from_files(settings.files or {}, base, "")
    kind = kind_of(settings.source, base)
    if kind != "hub" and settings.revision:
        raise InputError([Problem("data.revision", f"belongs to a hub id; this is a {kind}.")])
    if kind not in ("hub", "folder") and settings.config:
        raise InputError([Problem("data.config", f"belongs to a hub id; this is a {kind}.")])
    if kind in ("file", "embedded") and settings.files:
        raise InputError(
            [Problem("data.files", f"'{settings.source}' has no files in it; leave out one.")]
        )
    match kind:
        case "embedded":
            return _from_embedded(settings.source)
        case "hub":
            return _from_hub(settings, settings.source)
        case "folder":
            return _from_folder(settings, settings.source, base)
        case "file":
            source = _from_files({"train": settings.source}, base, "")
            return replace(source, single=True)


def _from_files(files: dict[str, str], folder: Path, prefix: str) -> _Source:
    """Each file as its split. Places begin with `prefix`, the folder as the user called it."""
    tables, problems, facts = {}, [], {}
    for split, name in files.items():
        path = resolved(name, folder)
        if not path.is_file():
            problems.append(missing(f"data.files.{split}", name, folder))
            continue
        try:
            tables[split] = read_file(path, f"{prefix}{name}")
        except InputError as error:
            problems += error.problems
            continue
        facts[split] = {"file": f"{prefix}{name}", "sha256": sha256_of(path)}
    names = None
    for beside in dict.fromkeys(resolved(name, folder).parent for name in files.values()):
        if (beside / NAMES_FILE).is_file():
            names = read_names(beside / NAMES_FILE, NAMES_FILE)
            break
    if problems:
        raise InputError(problems)
    return _Source(_in_order(tables), {"files": facts}, names=names)


def _from_folder(settings: DataSettings, source: str, base: Path) -> _Source:
    folder, prefix = resolved(source, base), f"{source.rstrip('/')}/"
    if settings.files:
        return _from_files(settings.files, folder, prefix)
    files = {} if settings.config else split_files(folder, source)
    if files:
        return _from_files({name: path.name for name, path in files.items()}, folder, prefix)
    if any(folder.glob("**/*.parquet")) or (folder / "README.md").is_file():
        tables = _hub().read_folder(folder, source, config=settings.config)
        return _by_split(tables, {"folder": source}, source)
    there = [path.name for path in data_files(folder)]
    example = f" Say which serves as what: data.files: {{train: {there[0]}}}" if there else ""
    raise InputError(
        [
            Problem(
                "data.source",
                f"no train.jsonl, .csv, .tsv or .parquet in '{source}'. "
                f"There: {', '.join(there) or 'no data file'}.{example}",
            )
        ]
    )


def _from_hub(settings: DataSettings, source: str) -> _Source:
    tables, commit = _hub().read_hub(source, config=settings.config, revision=settings.revision)
    facts = {"hub": source, "config": settings.config, "revision": commit}
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
    return _Source(_in_order(chosen), {**facts, "splits": dict(settings.files)})


def _by_split(tables: dict[str, Table], facts: dict[str, Any], source: str) -> _Source:
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
    return _Source(_in_order(known), facts, notes=notes)


def _from_embedded(source: str) -> _Source:
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
    return _Source(_in_order(tables), {"embedded": name}, names=names)


def _hub() -> Any:
    """The module that imports `datasets`, which takes two seconds: only hub ids wait for it."""
    return importlib.import_module("tunewise.data.hub")


def _in_order(tables: dict[str, Table]) -> dict[str, Table]:
    return {name: tables[name] for name in SPLITS if name in tables}


def _carried_names(
    tables: dict[str, Table], settings: DataSettings, label: str | None
) -> tuple[str, ...] | None:
    theirs = (settings.columns or {}).get(label or "", label or "")
    return next((table.names[theirs] for table in tables.values() if theirs in table.names), None)


def _without_missing(splits: Splits, label: str) -> tuple[Splits, dict[str, int]]:
    kept = {
        name: [row for row in rows if not is_missing(row.get(label))]
        for name, rows in splits.items()
    }
    dropped = {name: len(splits[name]) - len(rows) for name, rows in kept.items()}
    if not kept.get("test", True):
        del kept["test"]  # published without labels: the study then has no test split
    return kept, dropped


def _without_unseen(splits: Splits, label: str) -> tuple[Splits, dict[str, int]]:
    seen = {spelling(row.get(label)) for row in splits["train"]}
    kept = {
        name: [
            row for row in rows if spelling(row.get(label)) in seen or is_missing(row.get(label))
        ]
        for name, rows in splits.items()
    }
    return kept, {name: len(splits[name]) - len(rows) for name, rows in kept.items()}


def _dropped_notes(dropped: dict[str, int], what: str) -> list[str]:
    return [f"{name}: {plural(count, 'row')} {what}." for name, count in dropped.items() if count]


def _check_splits(splits: Splits, source: _Source) -> None:
    problems = [
        Problem("data", f"the {name} split has no rows.")
        for name, rows in splits.items()
        if not rows
    ]
    for name in ("train", "validation"):
        if name not in splits:
            problems.append(Problem("data", _lacks(name, source)))
    if problems:
        raise InputError(problems)


def _lacks(name: str, source: _Source) -> str:
    if source.single:
        way = "Cut the file: split: {train: 0.8, validation: 0.1, test: 0.1}"
    elif name == "validation" and "train" in source.tables:
        way = "Cut it from train: split: {validation: 0.1}"
    else:
        way = f"Name its file: files: {{{name}: ...}}"
    why = " Settings are chosen on it." if name == "validation" else ""
    return f"no {name} split (found: {', '.join(source.tables)}).{why} {way}"
