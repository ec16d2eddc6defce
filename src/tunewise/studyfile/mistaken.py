"""What was given in the place of a study file, and what to do with it instead."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunewise.core.errors import nearest
from tunewise.data.readers.files import ENDINGS
from tunewise.store.study import STUDY

YAML = (".yaml", ".yml")
TABLES = tuple(ending for ending in ENDINGS if ending != ".json")  # JSON may be a study
MAGIC = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a zip archive, as spreadsheets are",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"\x7fELF": "a program",
}
BINARY = "a binary file"
NOTEBOOK = ("cells", "nbformat")
LOOKED_AT = 20  # lines


def instead_of(path: Path) -> str:
    """The sentence for a path that no study can be read from: none, or a folder."""
    if not path.is_dir():
        there = _study_files(path.parent)
        known = nearest(path.name, there) if there else "tunewise init DATA makes one of data."
        return f"no such file. {known}"
    if (path / STUDY).is_file():
        return (
            "the folder of a study that was started, where a study file is needed. To go on with "
            f"it, run the file it came from once more: tunewise run FILE --out {path}; "
            f"where it stands: tunewise status {path}."
        )
    if inside := _study_files(path):
        return f"a folder, where a study file is needed. Did you mean '{path / inside[0]}'?"
    return f"a folder, where a study file is needed. {_make(path)}"


def _study_files(folder: Path) -> list[str]:
    """The names of YAML files in a folder; hidden ones are settings of other programs."""
    there = folder.iterdir() if folder.is_dir() else iter(())
    names = (each.name for each in there if each.suffix in YAML)
    return sorted(name for name in names if not name.startswith("."))


def by_bytes(path: Path, content: bytes) -> str:
    """The sentence for what is no text or says by its name that it is data; else nothing."""
    ending = path.suffix.lower()
    if ending in TABLES:
        return f"data ({ending}), where a study file is needed. {_make(path)}"
    kind = next((words for start, words in MAGIC.items() if content.startswith(start)), "")
    if not kind and b"\0" in content and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        kind = BINARY
    return f"{kind}, where a study file is needed, which is text in YAML." if kind else ""


def by_text(path: Path, text: str) -> str:
    """The sentence for a text that is a table; else nothing."""
    lines = [line for line in text.splitlines() if line.strip()][:LOOKED_AT]
    if len(lines) > 1 and any(_is_table(lines, mark) for mark in ",;\t|"):
        return f"a table with columns, where a study file is needed. {_make(path)}"
    return ""


def by_values(path: Path, values: Any) -> str:
    """The sentence for values that are rows, or a notebook; else nothing."""
    if isinstance(values, dict) and all(key in values for key in NOTEBOOK):
        return "a notebook, where a study file is needed."
    rows = values.get("data") if isinstance(values, dict) and set(values) <= SQUAD else values
    if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
        return f"{len(rows):,} rows of data, where a study file is needed. {_make(path)}"
    return ""


SQUAD = {"version", "data"}


def _is_table(lines: Sequence[str], mark: str) -> bool:
    """Whether each line has as many cells as the first, and no cell there is a setting."""
    try:
        header, *rows = csv.reader(io.StringIO("\n".join(lines)), delimiter=mark)
    except csv.Error:  # a cell longer than any
        return False
    named = all(cell.strip() and ": " not in cell and cell[:1] not in "{[-#" for cell in header)
    return len(header) > 1 and named and bool(rows) and all(len(r) == len(header) for r in rows)


def _make(path: Path) -> str:
    return f"A study file is made of data by: tunewise init {path}"
