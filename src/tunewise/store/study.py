"""The folder of a study: where everything lies, and the only code that knows it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tunewise.core.canonical import JSONObject
from tunewise.core.errors import DamagedFile, DamagedStudy, InputError, Problem, nearest
from tunewise.core.files import (
    DRAFT,
    HASH,
    check_file,
    check_listed,
    described,
    is_complete,
    read_hashed,
    read_json,
    remove_folder,
    write_hashed,
    write_json,
    write_text,
)
from tunewise.core.outside import WRONG_PLACE
from tunewise.store import aside, weights
from tunewise.store.faults import ANEW, Fault, bytes_within, feature_faults
from tunewise.store.json_record import NotARecord
from tunewise.store.lock import exclusive, holder
from tunewise.store.records import StudyRecord
from tunewise.store.trial_records import Job
from tunewise.store.trials import SCHEMA, TrialRecord, read_record, refuse_newer, scan
from tunewise.store.weights import Removal

STUDY = "study.json"
STUDY_FILE = "study.yaml"
FILES = "files"  # of study.json: what else was written with it, as markers name files
WHOLE = 2_000_000_000  # bytes of weights and features that reading a study compares whole
OURS = {STUDY, STUDY_FILE, ".lock", "trials", "weights", "tests", "features", "data"} | {
    "race",
    "quarantine",
    "report",
    "trackers",
}

ENDED = ("status", "error")  # of a job that was set aside


class StudyFolder:
    """A study on disk. Reading needs no lock; whoever writes holds `lock()`.

    What is read through it was compared with what was written, or is a `DamagedFile`. `faults`
    finds all that is damaged; whoever holds the lock moves it aside.
    """

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
            if entry.name not in OURS and DRAFT not in entry.name
        )
        if foreign and not is_study(path):
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
        if not is_study(path):
            if path.is_file():
                message = "is a file; the folder of a study is right here, such as runs/reviews."
                raise InputError([Problem(str(path), message)])
            beside = path.parent.iterdir() if path.parent.is_dir() else iter(())
            studies = [entry.name for entry in beside if is_study(entry)]
            known = nearest(path.name, studies) if studies else "`tunewise run` makes one."
            raise InputError([Problem(str(path), f"no study here (no {STUDY}). {known}")])
        return cls(path)

    def study(self) -> StudyRecord:
        """The resolved study.

        Raises:
            DamagedStudy: it is not what was written, or is no study.
            InputError: a newer Tunewise wrote it.
        """
        try:
            return StudyRecord.from_json(self._read()[0])
        except NotARecord as error:
            raise DamagedStudy(f"{self.path / STUDY}: {error}") from error

    def _read(self) -> tuple[JSONObject, dict[str, JSONObject]]:
        """The resolved study, and the list of what was written with it.

        An earlier version wrote no list and no hash: then nothing is compared.
        """
        path = self.path / STUDY
        try:
            study = read_hashed(path)
            hashed, files = study.pop(HASH, None), study.pop(FILES, None)
            if (hashed is None) != (files is None):
                raise DamagedFile(f"{path}: the content has changed since it was written.")
            refuse_newer(path, study)
            check_listed(path, files or {})
        except DamagedFile as error:
            raise DamagedStudy(str(error)) from error
        return study, files or {}

    def file(self, name: str) -> Path:
        """A file that was written with the study: ``data/test.parquet``, ``study.yaml``.

        Raises:
            DamagedStudy: it is not what was written, or was put there since.
        """
        listed = self._read()[1] if is_study(self.path) else {}
        path = self.path / name
        try:
            if name in listed:
                check_file(path, listed[name])
            elif listed:
                raise DamagedFile(f"{path}: not written with this study.")
        except DamagedFile as error:
            raise DamagedStudy(str(error)) from error
        return path

    def write_study(self, study: StudyRecord, text: str) -> None:
        """Store the resolved study and the file it came from; its data lie there already.

        A study may change between runs: trials are known by their settings, so those that
        still belong to it count, and new contenders are added to them.

        Raises:
            InputError: the folder belongs to a study of another name.
        """
        self.refuse_other(study.name)
        write_text(self.path / STUDY_FILE, text)
        splits = sorted(p for p in (self.path / "data").glob("*.parquet") if p.is_file())
        written = [self.path / STUDY_FILE, *splits]
        files = {path.relative_to(self.path).as_posix(): described(path) for path in written}
        write_hashed(self.path / STUDY, {"schema": SCHEMA, **study.as_json(), FILES: files})

    def restate(self, study: StudyRecord) -> None:
        """Store what was found of the study while it runs; its file and data stay as they are."""
        self.write_study(study, (self.path / STUDY_FILE).read_text(encoding="utf-8"))

    def refuse_other(self, name: str) -> None:
        """Raise an `InputError` if the folder belongs to a study of another name."""
        try:
            before = self._read()[0]
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

    def made_by(self, job: Job) -> Path:
        """The folder that a job completes."""
        places = {"features": self.features_folder, "test": self.test_folder}
        return places.get(job.kind, self.trial_folder)(job.id)

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

    def records(self) -> dict[str, TrialRecord]:
        """The finished trials by id. Damaged ones do not count; `faults` names them."""
        return scan(self.path / "trials")[0]

    def tests(self) -> dict[str, TrialRecord]:
        """The finished tests by the id of their trial."""
        return scan(self.path / "tests")[0]

    def record(self, id: str) -> TrialRecord | None:
        """One trial, or None while it is not complete.

        Raises:
            DamagedFile: it says it is complete and is not.
        """
        return read_record(self.trial_folder(id)) if is_complete(self.trial_folder(id)) else None

    def test(self, id: str) -> TrialRecord | None:
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

    def has_weights(self, id: str) -> bool:
        """Whether a trial's weights were kept, whatever became of them."""
        return is_complete(self.weights_folder(id))

    def weights(self, id: str) -> Path:
        """The folder of a trial's weights, of which every byte is what the trial saved.

        Raises:
            DamagedStudy: it is not.
        """
        folder = self.weights_folder(id)
        try:
            weights.check_weights(folder, self.record(id))
        except DamagedFile as error:
            raise DamagedStudy(str(error)) from error
        return folder

    def openings(self, id: str) -> list[str]:
        """When the test split was opened for a trial, also in tests that were moved aside."""
        return aside.openings(self.path, self.test_folder(id))

    def earlier_results(self, id: str) -> list[Path]:
        """The results of a trial that were sound and went aside with what was not."""
        return aside.results(self.path, id)

    # What is damaged

    def faults(self, most: int | None = None) -> list[Fault]:
        """All that is not what was written.

        Where weights and features have more than `most` bytes, of them only names and sizes are
        compared: their content is when they are used.
        """
        large = (self.path / "weights", self.path / "features")
        content = most is None or sum(map(bytes_within, large)) <= most
        records, faults = scan(self.path / "trials")
        return [
            *self.study_faults(),
            *faults,
            *scan(self.path / "tests")[1],
            *weights.weights_faults(self.path / "weights", records, content=content),
            *feature_faults(self.path / "features", content=content),
        ]

    def study_faults(self) -> list[Fault]:
        """What of the study itself and of its data is not what was written."""
        try:
            listed = self._read()[1]
        except FileNotFoundError:
            return []
        except DamagedFile as error:
            return [Fault(STUDY, self.path / STUDY, str(error), ANEW)]
        found = []
        present = (path.relative_to(self.path) for path in (self.path / "data").glob("*.parquet"))
        for name in dict.fromkeys([*listed, *(each.as_posix() for each in present)]):
            try:
                self.file(name)
            except DamagedFile as error:
                found.append(Fault(Path(name).name, self.path / name, str(error), ANEW))
        return found

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
        """Move what is damaged aside, so that it is made again and nothing is lost."""
        return aside.move(self.path, fault)

    def move_aside(self, fault: Fault) -> str:
        """Move what is damaged aside; returns what was done, in words."""
        place = self.quarantine(fault)
        return f"{fault.message} Moved to {place}; {fault.repair}."

    def remove_drafts(self) -> None:
        """Remove the half-written files that killed processes left."""
        for folder, _, names in os.walk(self.path):
            for name in names:
                if DRAFT in name:
                    (Path(folder) / name).unlink(missing_ok=True)

    def remove_weights(self, id: str, reason: str) -> None:
        """Remove a trial's weights and note when and why."""
        weights.remove(self.weights_folder(id), reason)

    def note_removals_anew(self, records: Mapping[str, TrialRecord]) -> None:
        """Note which finished trials have no weights, after the note of it was damaged."""
        weights.note_anew(self.path / "weights", records)

    def removed_weights(self) -> dict[str, Removal]:
        """Which trials' weights were removed, with reason, bytes and time."""
        return weights.removed(self.path / "weights")


def is_study(path: Path) -> bool:
    """Whether a folder is a study's, whatever became of it."""
    return os.path.lexists(path / STUDY)
