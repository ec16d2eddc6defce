"""The folder of a study: where everything lies, and the only code that knows it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tunewise.core.errors import DamagedFile, InputError, Problem, nearest
from tunewise.core.files import (
    check_complete,
    failpoint,
    flush_folder,
    is_complete,
    read_json,
    remove_folder,
    write_json,
    write_text,
)
from tunewise.core.outside import WRONG_PLACE
from tunewise.store.lock import exclusive, holder
from tunewise.store.trials import SCHEMA, Fault, Record, read_record, refuse_newer, scan

STUDY = "study.json"
STUDY_FILE = "study.yaml"
OURS = {STUDY, STUDY_FILE, ".lock", "trials", "weights", "tests", "features", "data"} | {
    "quarantine",
    "report",
    "trackers",
}

ENDED = ("status", "error")  # of a job that was set aside


class StudyFolder:
    """A study on disk. Reading needs no lock; whoever writes holds `lock()`."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.locked = False

    @classmethod
    def create(cls, path: Path) -> StudyFolder:
        """A new study folder, or the one that is there; never somebody's other folder.

        Raises:
            InputError: something else lies there.
        """
        path = Path(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise InputError([Problem(str(path), "is a file, not a folder.")]) from error
        except OSError as error:
            if error.errno not in WRONG_PLACE:
                raise
            message = f"cannot be made ({error.strerror}). Choose another with --out."
            raise InputError([Problem(str(path), message)]) from error
        foreign = sorted(
            entry.name
            for entry in path.iterdir()
            if entry.name not in OURS and ".tmp." not in entry.name
        )
        if foreign and not (path / STUDY).is_file():
            message = f"not a study folder: it holds '{foreign[0]}'. Choose another with --out."
            raise InputError([Problem(str(path), message)])
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> StudyFolder:
        """A study folder that exists.

        Raises:
            InputError: there is none; the text offers the nearest one beside it.
        """
        path = Path(path)
        if not (path / STUDY).is_file():
            beside = path.parent.iterdir() if path.parent.is_dir() else iter(())
            studies = [entry.name for entry in beside if (entry / STUDY).is_file()]
            known = nearest(path.name, studies) if studies else "`tunewise run` makes one."
            raise InputError([Problem(str(path), f"no study here (no {STUDY}). {known}")])
        return cls(path)

    def study(self) -> dict[str, Any]:
        """The resolved study."""
        study = read_json(self.path / STUDY)
        if not isinstance(study, dict):
            raise DamagedFile(f"{self.path / STUDY}: not a study.")
        refuse_newer(self.path / STUDY, study)
        return study

    def write_study(self, study: dict[str, Any], text: str) -> None:
        """Store the resolved study and the file it came from.

        A study may change between runs: trials are known by their settings, so those that
        still belong to it count, and new contenders are added to them.

        Raises:
            InputError: the folder belongs to a study of another name.
        """
        self.refuse_other(study["name"])
        write_text(self.path / STUDY_FILE, text)
        write_json(self.path / STUDY, {"schema": SCHEMA, **study})

    def refuse_other(self, name: str) -> None:
        """Raise an `InputError` if the folder belongs to a study of another name."""
        try:
            before = self.study()
        except (DamagedFile, FileNotFoundError):
            return  # it is about to be written anew from the study file
        if before.get("name") != name:
            message = (
                f"holds the study '{before.get('name')}', not '{name}'. Choose another folder "
                "with --out, or give the study its name back."
            )
            raise InputError([Problem(str(self.path), message)])

    # Places

    def trial_folder(self, id: str) -> Path:
        return self.path / "trials" / id

    def test_folder(self, id: str) -> Path:
        return self.path / "tests" / id

    def weights_folder(self, id: str) -> Path:
        return self.path / "weights" / id

    def features_folder(self, key: str) -> Path:
        return self.path / "features" / key

    def output_file(self, job: str) -> Path:
        """What the process of a job printed, such as ``trial/<id>``; kept outside the trial."""
        return self.path / "trials" / ".output" / f"{job.replace('/', '-')}.txt"

    def lock_file(self, job: str) -> Path:
        """The lock that the process of a job holds while it lives."""
        return self.path / "trials" / ".locks" / job.replace("/", "-")

    def note_file(self, job: str) -> Path:
        """Why a job is set aside: what ended it lay outside, and it is tried again."""
        return self.path / "trials" / ".aside" / f"{job.replace('/', '-')}.json"

    # What is there

    def records(self) -> dict[str, Record]:
        """The finished trials by id. Damaged ones do not count; `faults` names them."""
        return scan(self.path / "trials")[0]

    def tests(self) -> dict[str, Record]:
        """The finished tests by the id of their trial."""
        return scan(self.path / "tests")[0]

    def record(self, id: str) -> Record | None:
        """One trial, or None while it is not complete.

        Raises:
            DamagedFile: it says it is complete and is not.
        """
        return read_record(self.trial_folder(id)) if is_complete(self.trial_folder(id)) else None

    def test(self, id: str) -> Record | None:
        """One test, or None while it is not complete; errors as `record`."""
        return read_record(self.test_folder(id)) if is_complete(self.test_folder(id)) else None

    def features(self) -> set[str]:
        """The keys of the stored features that are complete."""
        parent = self.path / "features"
        if not parent.is_dir():
            return set()
        return {folder.name for folder in parent.iterdir() if is_complete(folder)}

    def set_aside(self) -> dict[str, dict[str, str]]:
        """The jobs that something outside of them has ended: name, status and error, by key.

        Only what the last launch left; the next one tries them again.
        """
        found = {}
        for path in sorted(self.note_file("").parent.glob("*.json")):
            with suppress(DamagedFile, FileNotFoundError, KeyError, TypeError):  # only a note
                note = read_json(path)
                found[note["job"]] = {name: str(note[name]) for name in ("name", *ENDED)}
        return found

    def faults(self) -> list[Fault]:
        """The folders of trials, tests and features that are not what was written."""
        faults = scan(self.path / "trials")[1] + scan(self.path / "tests")[1]
        for key in sorted(self.features()):
            try:
                check_complete(self.features_folder(key))
            except DamagedFile as error:
                faults.append(Fault(key, self.features_folder(key), str(error)))
        return faults

    def running(self) -> str | None:
        """Who runs this study now, in words; None where nobody does."""
        return holder(self.path / ".lock")

    # Changes, for the holder of the lock

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the study against a second launcher.

        Raises:
            StudyBusy: it is being run; the text names the process, the host and since when.
        """
        with exclusive(self.path / ".lock", str(self.path)):
            self.locked = True
            try:
                yield
            finally:
                self.locked = False

    def note_aside(self, job: str, name: str, status: str, error: str) -> None:
        """Write down why a job is set aside."""
        write_json(
            self.note_file(job), {"job": job, "name": name, "status": status, "error": error}
        )

    def forget_aside(self) -> None:
        """What was set aside is tried again."""
        remove_folder(self.note_file("").parent)

    def quarantine(self, fault: Fault) -> Path:
        """Move a damaged folder aside, so that its job runs again and nothing is lost."""
        parent = self.path / "quarantine"
        parent.mkdir(exist_ok=True)
        for number in itertools.count(1):
            target = parent / f"{fault.id}-{number}"
            if not target.exists():
                break
        failpoint()
        fault.folder.rename(target)
        flush_folder(parent)
        write_text(target.with_name(f"{target.name}.txt"), fault.message + "\n")
        return target

    def remove_drafts(self) -> None:
        """Remove the half-written files that killed processes left."""
        for folder, _, names in os.walk(self.path):
            for name in names:
                if ".tmp." in name:
                    (Path(folder) / name).unlink(missing_ok=True)

    def remove_weights(self, id: str, reason: str) -> None:
        """Remove a trial's weights and note when and why."""
        folder = self.weights_folder(id)
        if not folder.is_dir():
            return
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        removed = self.removed_weights()
        removed[id] = {
            "reason": reason,
            "bytes": size,
            "removed": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_json(self.path / "weights" / "removed.json", removed)
        remove_folder(folder)

    def removed_weights(self) -> dict[str, Any]:
        """Which trials' weights were removed, with reason, bytes and time."""
        path = self.path / "weights" / "removed.json"
        try:
            removed = read_json(path) if path.is_file() else {}
        except DamagedFile:
            return {}  # a note about what is gone; a damaged one stops nothing
        if not isinstance(removed, dict):
            return {}
        # A trial that ran again has weights again.
        return {id: note for id, note in removed.items() if not self.weights_folder(id).is_dir()}
