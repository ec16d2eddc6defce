"""What a finished trial or test left behind, read only once it is known to be whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewise.core.errors import DamagedFile, InputError, Problem
from tunewise.core.files import check_complete, is_complete, mark_complete, read_json, write_json
from tunewise.store.faults import Fault, fault_of

SCHEMA = 1
KILLED = "killed"  # no result any more; earlier versions wrote it
STATUSES = ("done", "failed", "diverged", "out-of-memory", "timed-out", KILLED)

RESULT = "result.json"
COSTS = "costs.json"
LOG = "log.jsonl"


@dataclass(frozen=True)
class Record:
    """One complete folder of `trials/` or `tests/`.

    `result` is computed: a function of the settings alone. `costs` is measured: seconds, bytes,
    host, and when a test was opened.
    """

    id: str
    status: str
    result: dict[str, Any]
    costs: dict[str, Any]
    folder: Path

    def metric(self, name: str, split: str = "validation") -> float | None:
        """A metric of a split; None where it was not computed or is not defined."""
        value = self.result.get("metrics", {}).get(split, {}).get(name)
        return None if value is None else float(value)


def read_record(folder: Path) -> Record:
    """Read a complete folder after comparing every file in it with its marker.

    Raises:
        DamagedFile: a file is missing, cut short or altered, or is not a result.
        InputError: a newer Tunewise wrote it; it is sound, but not ours to read.
    """
    check_complete(folder)
    result = read_json(folder / RESULT) if (folder / RESULT).is_file() else None
    if not isinstance(result, dict) or result.get("id") != folder.name:
        raise DamagedFile(f"{folder / RESULT}: not the result of {folder.name}.")
    refuse_newer(folder / RESULT, result)
    status = result.get("status", "done")
    if status not in STATUSES:
        raise DamagedFile(f"{folder / RESULT}: '{status}' is no status ({', '.join(STATUSES)}).")
    costs = read_json(folder / COSTS) if (folder / COSTS).is_file() else {}
    return Record(folder.name, status, result, costs, folder)


def scan(parent: Path) -> tuple[dict[str, Record], list[Fault]]:
    """Every complete folder in `parent`, and the faults of those that only seem complete."""
    records: dict[str, Record] = {}
    faults: list[Fault] = []
    if not parent.is_dir():
        return records, faults
    for folder in sorted(parent.iterdir()):
        if folder.name.startswith(".") or not is_complete(folder):
            continue
        try:
            records[folder.name] = read_record(folder)
        except DamagedFile as error:
            faults.append(fault_of(folder, error))
        except FileNotFoundError:
            continue  # moved aside this instant by whoever runs the study
    return records, faults


def write_ending(
    folder: Path,
    *,
    status: str,
    error: str,
    settings: dict[str, Any],
    costs: dict[str, Any],
) -> Record:
    """Finish a folder whose own process could not: it was killed, crashed or ran out of time.

    What the process had logged stays and is covered by the marker.
    """
    folder.mkdir(parents=True, exist_ok=True)
    result = {
        "schema": SCHEMA,
        "id": folder.name,
        "settings": settings,
        "status": status,
        "error": error,
        "flags": [],
        "metrics": {},
        "epochs": [],
        "parameters": None,
        "checks": [],
    }
    write_json(folder / RESULT, result)
    write_json(folder / COSTS, {"schema": SCHEMA, **costs})
    mark_complete(folder)
    return read_record(folder)


def refuse_newer(path: Path, content: dict[str, Any]) -> None:
    """Stop at a file whose schema we cannot know, rather than read it wrongly."""
    schema = content.get("schema", SCHEMA)
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        raise DamagedFile(f"{path}: schema = {schema!r} is not a whole number from 1 up.")
    if schema > SCHEMA:
        message = (
            f"written by a newer Tunewise (schema {schema}; this one reads up to {SCHEMA}). "
            "Upgrade with: pip install --upgrade tunewise"
        )
        raise InputError([Problem(str(path), message)])
