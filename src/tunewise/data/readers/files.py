"""Which reader a file needs, by its name, and which files a folder offers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tunewise.core.errors import InputError, Problem
from tunewise.data.readers.delimited import read_csv, read_tsv
from tunewise.data.readers.json_file import read_json
from tunewise.data.readers.jsonl import read_jsonl
from tunewise.data.readers.parquet import read_parquet
from tunewise.data.readers.workbook import read_workbook
from tunewise.data.table import Table, refuse_repeated_header, split_named

_READERS: dict[str, Callable[[Path, str], Table]] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
    ".json": read_json,
    ".xlsx": read_workbook,
}
_INSTEAD = {
    (".xls", ".ods", ".numbers"): "Save the sheet as .xlsx or .csv.",
    (".gz", ".bz2", ".xz", ".zst", ".zip"): "Unpack it first.",
    (".pkl", ".pickle", ".pt", ".npy", ".npz"): "Save its rows as .parquet or .jsonl.",
}
WORKBOOKS = (".xlsx",)
PERHAPS = ".txt"  # what may be prose, and is read only where it is asked for by its name
ENDINGS = tuple(_READERS)


def read_file(path: Path, shown: str, sheet: str | None = None) -> Table:
    """Read a file by its ending. `shown` is how the user called it: places begin with it.

    `sheet` is the one that is meant of a workbook with several.

    Raises:
        InputError: an unknown ending, or whatever is wrong inside, all of it together.
    """
    ending = path.suffix.lower()
    if ending == PERHAPS:
        return _table_of_text(path, shown)
    if ending not in _READERS:
        hint = next((f" {says}" for endings, says in _INSTEAD.items() if ending in endings), "")
        raise InputError(
            [Problem(shown, f"'{ending}' files are not read; {', '.join(ENDINGS)} are.{hint}")]
        )
    if sheet is not None and ending not in WORKBOOKS:
        raise InputError([Problem("data.sheet", f"belongs to a workbook; {shown} is none.")])
    if ending in WORKBOOKS:
        table = read_workbook(path, shown, sheet)
    else:
        table = _READERS[ending](path, shown)
    if not table.rows:
        raise InputError([Problem(shown, "has no rows.")])
    refuse_repeated_header([table])
    return table


def _table_of_text(path: Path, shown: str) -> Table:
    """What spreadsheet programs save as "Unicode text": columns separated by tabs, or the like."""
    try:
        table = read_csv(path, shown)
    except InputError as error:
        why = f"'{PERHAPS}' files are read where they hold columns, and this one does not: {error}"
        raise InputError([Problem(shown, why)]) from error
    if len(table.columns) > 1 and table.rows:
        return table
    why = f"'{PERHAPS}' files are read where they hold columns; this one seems to be plain text."
    raise InputError([Problem(shown, f"{why} Tables are {', '.join(ENDINGS)}.")])


def data_files(folder: Path) -> list[Path]:
    """The files of a folder that could be read, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _READERS)


def split_files(folder: Path, shown: str) -> dict[str, Path]:
    """The file of each split, by its name: train.csv, dev.jsonl.

    Raises:
        InputError: two files claim one split.
    """
    found: dict[str, list[Path]] = {}
    for path in data_files(folder):
        split = split_named(path.stem)
        if split:
            found.setdefault(split, []).append(path)
    problems = [
        Problem(
            shown,
            f"{' and '.join(path.name for path in paths)} both look like {split}. Say which: "
            f"files: {{{split}: {paths[0].name}}}",
        )
        for split, paths in found.items()
        if len(paths) > 1
    ]
    if problems:
        raise InputError(problems)
    return {split: paths[0] for split, paths in found.items()}
