"""What a finished trial or test left behind, read only once it is known to be whole."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tunewise.core.canonical import JSONObject
from tunewise.core.errors import DamagedFile, InputError, Problem
from tunewise.core.files import check_complete, is_complete, mark_complete, read_json, write_json
from tunewise.store.faults import Fault, fault_of
from tunewise.store.json_record import JSONRecord, NotARecord
from tunewise.store.records import TrialSettings
from tunewise.store.trial_records import LatencyRecord, TrialCosts, TrialResult

SCHEMA = 1
KILLED = "killed"  # no result any more; earlier versions wrote it
STATUSES = ("done", "failed", "diverged", "out-of-memory", "timed-out", KILLED)

RESULT = "result.json"
COSTS = "costs.json"
LOG = "log.jsonl"

R = TypeVar("R", bound=JSONRecord)


@dataclass(frozen=True)
class TrialRecord:
    """One complete folder of `trials/` or `tests/`.

    `result` is computed: a function of the settings alone. `costs` is measured: seconds, bytes,
    host, and when a test was opened.
    """

    id: str
    status: str
    result: TrialResult
    costs: TrialCosts
    folder: Path

    def metric(self, name: str, split: str = "validation") -> float | None:
        """A metric of a split; None where it was not computed or is not defined."""
        value = self.result.metrics.get(split, {}).get(name)
        return None if value is None else float(value)


def read_record(folder: Path) -> TrialRecord:
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
    return TrialRecord(
        folder.name,
        status,
        _record(folder / RESULT, TrialResult, result),
        _record(folder / COSTS, TrialCosts, costs),
        folder,
    )


def _record(path: Path, kind: type[R], content: object) -> R:
    try:
        return kind.from_json(content)
    except NotARecord as error:
        raise DamagedFile(f"{path}: {error}") from error


def scan(parent: Path) -> tuple[dict[str, TrialRecord], list[Fault]]:
    """Every complete folder in `parent`, and the faults of those that only seem complete."""
    records: dict[str, TrialRecord] = {}
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


def write_trial(folder: Path, result: TrialResult, costs: TrialCosts) -> None:
    """Finish the folder of a trial whose predictions and log lie there already."""
    _write(folder, result.as_json(), costs.as_json())


def write_test(
    folder: Path,
    *,
    metrics: Mapping[str, float | None],
    openings: Sequence[str],
    seconds: Mapping[str, float],
    latency: tuple[LatencyRecord, LatencyRecord],
) -> None:
    """Finish the folder of a test, which was opened at the last of `openings`.

    `latency` is that of one example at a time, and that of the best batch size.
    """
    result: JSONObject = {"id": folder.name, "status": "done", "metrics": {"test": metrics}}
    costs: JSONObject = {"opened": openings[-1], "openings": list(openings), "seconds": seconds}
    costs |= {"at_one": latency[0].as_json(), "at_best": latency[1].as_json()}
    _write(folder, result, costs)


def write_ending(
    folder: Path,
    *,
    status: str,
    error: str,
    settings: TrialSettings,
    seconds: float,
    peak_resident: int | None = None,
) -> TrialRecord:
    """Finish a folder whose own process could not: it was killed, crashed or ran out of time.

    What the process had logged stays and is covered by the marker.
    """
    folder.mkdir(parents=True, exist_ok=True)
    result: JSONObject = {
        "id": folder.name,
        "settings": settings.as_json(),
        "status": status,
        "error": error,
        "flags": [],
        "metrics": {},
        "epochs": [],
        "parameters": None,
        "checks": [],
    }
    costs = {
        "seconds": {"total": seconds},
        "bytes": {"peak_resident": peak_resident},
        "host": socket.gethostname(),
    }
    _write(folder, result, costs)
    return read_record(folder)


def _write(folder: Path, result: JSONObject, costs: JSONObject) -> None:
    write_json(folder / RESULT, {"schema": SCHEMA, **result})
    write_json(folder / COSTS, {"schema": SCHEMA, **costs})
    mark_complete(folder)


def refuse_newer(path: Path, content: Mapping[str, object]) -> None:
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
