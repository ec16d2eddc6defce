"""The kept weights of a study's trials: read only whole, removed only with a note."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tunewise.core.errors import DamagedFile
from tunewise.core.files import (
    COMPLETE,
    HASH,
    check_complete,
    is_complete,
    read_hashed,
    remove_folder,
    sha256_of,
    write_hashed,
)
from tunewise.store.faults import TRAINED, Fault, bytes_within, fault_of, faults_within
from tunewise.store.json_record import JSONRecord, NotARecord
from tunewise.store.trials import TrialRecord

REMOVED = "removed.json"
EARLIER = "the trial goes on from an earlier step"
UNKNOWN = "why is not known any more: the note of it was damaged"


@dataclass(frozen=True)
class Removal(JSONRecord):
    """Why a trial's weights are gone, how many bytes they had, and since when."""

    reason: str = ""
    bytes: int | None = None
    removed: str | None = None


def check_weights(folder: Path, record: TrialRecord | None, *, content: bool = True) -> None:
    """Compare a trial's weights with their marker, and this with the hash in the trial's record.

    Args:
        folder: of the weights.
        record: of the trial; that of an earlier version has no hash.
        content: False leaves it at names and sizes.

    Raises:
        DamagedFile: they are not what the trial saved.
    """
    marker = folder / COMPLETE
    if not is_complete(folder):
        raise DamagedFile(f"{marker}: missing, although its trial is complete.")
    check_complete(folder, content=content)
    bound = record.costs.weights if record else None
    if bound is not None and sha256_of(marker) != bound:
        raise DamagedFile(f"{marker}: not of the weights that trial {folder.name} saved.")


def weights_faults(
    parent: Path, records: Mapping[str, TrialRecord], *, content: bool
) -> Iterator[Fault]:
    """Weights that are there and are not what their trial saved, checkpoints, and the notes.

    Weights that are gone are no fault: whoever needs them says so.
    """
    try:
        removed = _notes(parent)
    except DamagedFile as error:
        yield Fault(REMOVED, parent / REMOVED, str(error), "what is gone is noted anew")
        removed = {}
    for id, record in records.items():
        folder = parent / id
        cut_short = id in removed and not is_complete(folder)  # the removal of these
        if record.status != "done" or cut_short or not os.path.lexists(folder):
            continue
        try:
            check_weights(folder, record, content=content)
        except FileNotFoundError:
            continue  # removed this instant by whoever runs the study
        except DamagedFile as error:
            if os.path.lexists(folder):
                yield fault_of(folder, error, TRAINED)
    for folder in sorted(parent.glob("*/checkpoint/step-*")):
        yield from faults_within(folder, EARLIER)


def remove(folder: Path, reason: str) -> None:
    """Remove a trial's weights and note when and why."""
    if folder.is_dir():
        _add_notes(folder.parent, {folder.name: _note(reason, bytes_within(folder))})
        remove_folder(folder)


def removed(parent: Path) -> dict[str, Removal]:
    """Which trials' weights were removed, with reason, bytes and time."""
    try:
        notes = _notes(parent)
    except DamagedFile:
        return {}  # a note about what is gone, which `weights_faults` names
    # A trial that ran again has weights again.
    return {id: note for id, note in notes.items() if not (parent / id).is_dir()}


def note_anew(parent: Path, records: Mapping[str, TrialRecord]) -> None:
    """Note which finished trials have no weights, after the note of it was damaged."""
    gone = [id for id in records if not (parent / id).is_dir()]
    _add_notes(parent, {id: _note(UNKNOWN, None) for id in gone})


def _add_notes(parent: Path, notes: Mapping[str, Removal]) -> None:
    known = {**removed(parent), **notes}
    write_hashed(parent / REMOVED, {id: note.as_json() for id, note in known.items()})


def _note(reason: str, size: int | None) -> Removal:
    return Removal(reason, size, datetime.now(UTC).isoformat(timespec="seconds"))


def _notes(parent: Path) -> dict[str, Removal]:
    path = parent / REMOVED
    if not os.path.lexists(path):
        return {}
    notes = read_hashed(path)
    notes.pop(HASH, None)
    try:
        return {id: Removal.from_json(note) for id, note in notes.items()}
    except NotARecord as error:
        raise DamagedFile(f"{path}: the content has changed since it was written.") from error
