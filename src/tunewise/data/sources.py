"""From the settings to splits: opened, named, cut and limited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewise.core.canonical import JSONObject
from tunewise.core.errors import InputError, Problem
from tunewise.core.format import plural
from tunewise.data.cleaning.clean import Removed, clean
from tunewise.data.cleaning.combine import TextRules, refuse_taken, with_combined
from tunewise.data.columns import named_rows
from tunewise.data.labels import is_missing, spelling
from tunewise.data.locate import kind_of, resolved
from tunewise.data.opening import Source, open_source
from tunewise.data.settings import DataSettings
from tunewise.data.splits import apply_rule, limited
from tunewise.data.table import Row, Splits, Table

Shape = Callable[[Splits], Splits]
"""Makes columns of the rows' own."""


@dataclass(frozen=True)
class Data:
    """The splits of a study, and how they came to be.

    `names` are the class names that lay with the data; `own` those that the label's column itself
    brought, whose numbers are positions in them whatever they look like. `facts` goes into the
    study's record (JSON values); `notes` is what a person should know.
    """

    splits: Splits
    names: tuple[str, ...] | None
    facts: JSONObject
    notes: tuple[str, ...]
    own: tuple[str, ...] | None = None
    folder: Path = Path()  # where the data lies on this machine: relative paths in it start here
    removed: tuple[Removed, ...] = ()  # by data.clean


def read_data(
    settings: DataSettings,
    columns: Sequence[str],
    base: Path,
    *,
    texts: Sequence[str] = (),
    label: str | None = None,
    source: Source | None = None,
    shape: Shape | None = None,
) -> Data:
    """Read, check and cut the data of a study.

    Args:
        settings: what the study file says.
        columns: what the task reads, by its own names; `settings.columns` renames.
        base: the folder that paths are taken from, that of the study file.
        texts: those of the columns that the model reads; `settings.clean` looks at them.
        label: the column whose fractions the split rule and the limit keep, and whose missing
            values `on_missing_label` speaks of.
        source: what the settings name, where it has been opened already.
        shape: makes the texts that the task reads of the columns that it names.

    Returns:
        Rows with ``id``, ``_place`` and every column of the data. Train and validation are there
        and not empty; test may be absent.

    Raises:
        InputError: all problems of all files together.
    """
    source = source or open_source(settings, base)
    notes = [*source.notes, *(note for table in source.tables.values() for note in table.notes)]
    rule = settings.split
    splits = whole_rows(source, settings, columns, label=label, shape=shape)
    facts = {**source.facts, "read": {name: len(rows) for name, rows in splits.items()}}
    if label and settings.on_missing_label == "drop":
        splits, dropped = _kept(splits, lambda row: not is_missing(row.get(label)))
        if not splits.get("test", True):
            del splits["test"]  # published without labels: the study then has no test split
        facts["dropped_without_label"] = dropped
        notes += _dropped_notes(dropped, "without a label were dropped")
    cleaned = None
    if settings.clean is not None:
        whole = [text for text in texts or columns if text != label]
        cleaned = clean(splits, settings.clean, whole, label)
        splits, facts["clean"] = cleaned.splits, cleaned.facts()
        notes += cleaned.notes()
    if rule:
        together = cleaned.together if cleaned else {}
        splits, unused = apply_rule(splits, rule, label=label, together=together)
        facts["unused"] = unused
        notes += [f"{plural(unused, 'row')} of {rule.from_} are in no part."] if unused else []
    _check_splits(splits, source)
    if settings.limit is not None:
        splits = limited(splits, settings.limit, label=label, seed=rule.seed if rule else 0)
    if label and settings.on_unseen_label == "drop":
        seen = {spelling(row.get(label)) for row in splits["train"]}
        splits, dropped = _kept(
            splits, lambda row: spelling(row.get(label)) in seen or is_missing(row.get(label))
        )
        facts["dropped_unseen_label"] = dropped
        notes += _dropped_notes(dropped, "with a label that train lacks were dropped")
        _check_splits(splits, source)
    own = _carried_names(source.tables, settings, label)
    folder = source_folder(settings, base)
    removed = tuple(cleaned.removed) if cleaned else ()
    return Data(splits, source.names or own, facts, tuple(notes), own, folder, removed)


def whole_rows(
    source: Source,
    settings: DataSettings,
    columns: Sequence[str],
    *,
    label: str | None = None,
    shape: Shape | None = None,
) -> Splits:
    """All rows under the task's names of the columns, before any is removed or cut off.

    Raises:
        InputError: a column is missing, one to be made is there, or a row cannot be shaped.
    """
    combine = settings.combine or {}
    refuse_taken(source.tables, combine)
    rules = TextRules(combine=combine)
    group = settings.split.group if settings.split else None
    needed = rules.needed(columns)
    dropped = settings.clean is not None and settings.clean.empty == "drop"
    splits = named_rows(
        source.tables,
        [*needed, *([group] if group and group not in combine else [])],
        rename=settings.columns or {},
        optional=(label, *rules.made_of(), *(needed if dropped else ())),
        prefix="row" if source.single else None,
        remedy="Write them, or leave such rows out: data.clean: {empty: drop}",
    )
    splits = with_combined(splits, combine)
    return splits if shape is None else shape(splits)


def source_folder(settings: DataSettings, base: Path) -> Path:
    """The folder that the data lies in; of a hub data set, that of the study file."""
    if settings.source is None or kind_of(settings.source, base) in ("embedded", "hub"):
        return base
    path = resolved(settings.source, base)
    return path if path.is_dir() else path.parent


def _carried_names(
    tables: dict[str, Table], settings: DataSettings, label: str | None
) -> tuple[str, ...] | None:
    theirs = (settings.columns or {}).get(label or "", label or "")
    return next((table.names[theirs] for table in tables.values() if theirs in table.names), None)


def _kept(splits: Splits, keep: Callable[[Row], bool]) -> tuple[Splits, dict[str, int]]:
    """The rows that are kept, and of each split how many are not."""
    kept = {name: [row for row in rows if keep(row)] for name, rows in splits.items()}
    return kept, {name: len(splits[name]) - len(rows) for name, rows in kept.items()}


def _dropped_notes(dropped: dict[str, int], what: str) -> list[str]:
    return [f"{name}: {plural(count, 'row')} {what}." for name, count in dropped.items() if count]


def _check_splits(splits: Splits, source: Source) -> None:
    problems = [
        Problem("data", f"the {name} split has no rows.")
        for name, rows in splits.items()
        if not rows
    ]
    for name in ("train", "validation"):
        if name not in splits:
            if source.single:
                way = "Cut the file: split: {train: 0.8, validation: 0.1, test: 0.1}"
            elif name == "validation" and "train" in source.tables:
                way = "Cut it from train: split: {validation: 0.1}"
            else:
                way = f"Name its file: files: {{{name}: ...}}"
            why = " Settings are chosen on it." if name == "validation" else ""
            problems.append(
                Problem("data", f"no {name} split (found: {', '.join(source.tables)}).{why} {way}")
            )
    if problems:
        raise InputError(problems)
