"""Data sets from the hub, or a folder laid out as the hub lays them out.

The only file that imports `datasets`, which takes two seconds; `sources` loads it when a study
names a hub id. What was downloaded once is read from the cache without a network.
"""

from __future__ import annotations

import re
from pathlib import Path

import datasets
import huggingface_hub

from tunewise.core.errors import InputError, Problem
from tunewise.core.format import first_of
from tunewise.core.network import hub_is_out_of_reach
from tunewise.data.readers.parquet import from_arrow, names_in
from tunewise.data.table import Table

_COMMIT = re.compile(r"[0-9a-f]{40}")


def read_hub(
    name: str, *, config: str | None, revision: str | None
) -> tuple[dict[str, Table], str | None]:
    """Every split of a hub data set by the hub's own name, and the commit that was read.

    Raises:
        InputError: unknown, not reachable and not cached, a missing configuration, or another
            commit in the cache than the one asked for.
    """
    if Path(name).exists():  # `datasets` would silently read the folder
        raise InputError(
            [Problem("data.source", f"'{name}' is also a path here; write './{name}' if meant.")]
        )
    if hub_is_out_of_reach():  # both libraries then answer from the cache at once
        huggingface_hub.constants.HF_HUB_OFFLINE = True
        datasets.config.HF_HUB_OFFLINE = True
    tables, commit = _read(name, config=config, revision=revision)
    if revision and _COMMIT.fullmatch(revision) and commit != revision:
        raise InputError(
            [
                Problem(
                    "data.revision",
                    f"{revision} is not in the cache of this machine, where {commit} is, and "
                    "the hub cannot be reached. Connect once, or name the cached revision.",
                )
            ]
        )
    return tables, commit


def read_folder(folder: Path, shown: str, *, config: str | None) -> dict[str, Table]:
    """Every split of a local folder in the hub's layout, such as a clone of a data set.

    `datasets` reads all files by the class names of the first one, or of the README.

    Raises:
        InputError: as `read_hub`, or a file lists its class names differently.
    """
    tables = _read(str(folder), config=config, revision=None, shown=shown)[0]
    names = {column: names for table in tables.values() for column, names in table.names.items()}
    problems = [
        Problem(
            f"{shown}/{path.relative_to(folder)}",
            f"'{column}' has the class names {first_of(theirs, 5)}, and is read by "
            f"{first_of(names[column], 5)}. Give each split its own file: data.files.",
        )
        for path in sorted(folder.glob("**/*.parquet"))
        for column, theirs in names_in(path).items()
        if column in names and theirs != names[column]
    ]
    if problems:
        raise InputError(problems)
    return tables


def _read(
    name: str, *, config: str | None, revision: str | None, shown: str | None = None
) -> tuple[dict[str, Table], str | None]:
    shown = shown or name
    try:
        builder = datasets.load_dataset_builder(name, config, revision=revision)
        loaded = datasets.load_dataset(name, config, revision=revision)
    except (datasets.exceptions.DatasetsError, OSError, ValueError, RuntimeError) as error:
        raise InputError([Problem("data.source", _reason(shown, config, error))]) from error
    tables = {}
    for split, data in loaded.items():
        names = {
            column: tuple(feature.names)
            for column, feature in data.features.items()
            if isinstance(feature, datasets.ClassLabel)
        }
        arrow = data.with_format("arrow")[:]
        tables[str(split)] = from_arrow(arrow, names, f"{shown} {split}")
    return tables, builder.hash


def _reason(shown: str, config: str | None, error: Exception) -> str:
    message = " ".join(str(error).split())
    if isinstance(error, ConnectionError):
        return (
            f"'{shown}' is not in this machine's cache and the hub cannot be reached. Load it "
            "once with a network (and without HF_HUB_OFFLINE), or name a local folder."
        )
    if isinstance(error, datasets.exceptions.DatasetNotFoundError):
        return f"'{shown}' is not on the hub, or asks for a login: {message}"
    if "config" in message.lower():
        return f"'{shown}' has no configuration {config!r} (data.config). {message}"
    return f"'{shown}' cannot be loaded: {message}"
