"""What a study has and still needs: the launcher's view of the folder, kept in step with it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from tunewise.core.errors import DamagedFile, MachineTrouble
from tunewise.core.files import COMPLETE, is_complete, remove_folder, write_bytes
from tunewise.store.faults import TRAINED, Fault, fault_of
from tunewise.store.identity import trial_of
from tunewise.store.race import RaceRecord, write_race
from tunewise.store.study import STUDY, StudyFolder
from tunewise.store.trial_records import Job
from tunewise.store.trials import KILLED, RESULT, TrialRecord, write_ending
from tunewise.store.weights import REMOVED
from tunewise.studies.chosen import weights_to_drop
from tunewise.studies.events import Finished, Notice, OnEvent, Stopped
from tunewise.studies.exit_codes import Ending
from tunewise.studies.jobs import Progress, label_of, next_jobs, progress_of
from tunewise.studies.race.account import with_speed
from tunewise.studies.race.race import race_of

TAIL = 8_000  # bytes of a dead process's output that are kept

PEAK = re.compile(rb"^peak_resident (\d+)$", re.M)  # what `costs.limit` prints before it ends


class Ledger:
    """The records of a study, and the endings of jobs whose own process could not write one.

    Made by the holder of the study's lock: damaged folders are moved aside on the way.
    """

    def __init__(self, folder: StudyFolder, on_event: OnEvent) -> None:
        self.folder, self.on_event = folder, on_event
        self.study = folder.study()
        self.records: dict[str, TrialRecord] = {}
        self.tests: dict[str, TrialRecord] = {}
        self.features: set[str] = set()
        folder.remove_drafts()
        self.repair()
        folder.forget_aside()
        # Earlier versions' results of trials that were killed count as none.
        for records in (self.records, self.tests):
            for id in [id for id, record in records.items() if record.status == KILLED]:
                (records.pop(id).folder / COMPLETE).unlink()
        self.spoiled: dict[str, Ending] = {}  # features that cannot be had, and why
        self.aside: dict[str, Ending] = {}  # jobs that this launch does not try any more
        self.race: RaceRecord | None = None  # where that of a study under a budget stands
        self._note_race()

    def next_jobs(self, running: Collection[str]) -> list[Job]:
        """What could start now besides the jobs that run, and those that are set aside.

        While a trial is set aside it has no result, and so no test is opened.
        """
        known = self.features | set(self.spoiled)
        jobs = next_jobs(self.study, self.records, self.tests, known, self.race)
        lost = [job for job in jobs if job.kind == "test" and not self.folder.has_weights(job.id)]
        for job in lost:
            message = f"{self.folder.weights_folder(job.id)}: missing, and not tested yet."
            self._train_again(job.id, message)
        if lost:
            self._note_race()
            jobs = next_jobs(self.study, self.records, self.tests, known, self.race)
        busy = set(map(trial_of, running))
        return [job for job in jobs if trial_of(job.key) not in busy and job.key not in self.aside]

    def progress(self) -> Progress:
        return progress_of(self.study, self.records, self.tests, self.race)

    def stop(self) -> None:
        """Note that the clock has ended the race: no further training counts under this budget."""
        budget = self.study.budget
        assert budget is not None
        self.study = replace(self.study, budget=replace(budget, stopped=budget.seconds))
        self.folder.restate(self.study)
        self._note_race()

    def _note_race(self) -> None:
        """Bring the race up to date with the records, and keep where it stands."""
        study = with_speed(self.study, self.records)
        if study is not self.study:
            self.study = study
            self.folder.restate(study)
        self.race = race_of(study, self.records)
        if self.race is not None:
            write_race(self.folder.path, self.race)

    def take(self, job: Job, seconds: float) -> bool:
        """Take in what a job's process left; False where that is not complete and whole."""
        if job.kind == "features":
            if is_complete(self.folder.made_by(job)):
                self.features.add(job.id)
                self.on_event(Finished(job, None, seconds))
            return job.id in self.features
        try:
            record = self.folder.test(job.id) if job.kind == "test" else self.folder.record(job.id)
        except DamagedFile as error:
            self._move_aside(fault_of(self.folder.made_by(job), error))
            return False
        if record is None:
            return False
        if job.kind == "trial":
            # Say so where a trial that ran again came out otherwise than before.
            now = (record.folder / RESULT).read_bytes()
            for before in self.folder.earlier_results(record.id):
                if before.read_bytes() != now:
                    message = (
                        f"trial/{record.id} ran again and came out otherwise than {before}: that "
                        "file is damaged, or the machine or its software is another. A test that "
                        "was opened before is of the weights of then."
                    )
                    self.on_event(Notice(message))
        self._keep(job, record, seconds)
        return True

    def end(self, job: Job, ending: Ending, seconds: float) -> None:
        """Finish a job whose process could not, or set it aside for the next launch.

        The error is a function of the settings where the failure is; what differs from run to
        run, such as addresses in a traceback, stays in ``output.txt``.
        """
        if job.kind == "features":
            error = f"its features could not be computed: {ending.error}"
            self.spoiled[job.id] = replace(ending, error=error)
            self.on_event(Stopped(job))
            self.on_event(Notice(f"{job.key}: {ending.status}. {ending.error}"))
        elif ending.outside:
            name = " ".join(label_of(self.study, job))
            self.aside[job.key] = ending
            self.on_event(Stopped(job))
            self.on_event(
                Notice(f"{name}: {ending.status}. {ending.error} It is tried again later.")
            )
            self.folder.note_aside(job.key, name, ending.status, ending.error)
        else:
            place = self.folder.made_by(job)
            if printed := _tail(self.folder.output_file(job.key)):
                write_bytes(place / "output.txt", printed)
            peaks = PEAK.findall(printed)  # which a process that was over its memory limit printed
            record = write_ending(
                place,
                status=ending.status,
                error=ending.error,
                settings=job.settings,
                seconds=seconds,
                peak_resident=int(peaks[-1]) if peaks else None,
            )
            if job.kind == "trial":
                self.folder.remove_weights(job.id, ending.status)
            self._keep(job, record, seconds)

    def last_words(self, job: Job, default: str = "ended without a word.") -> str:
        """The last line a process wrote, which for an exception is its text."""
        output = self.folder.output_file(job.key)
        lines = _tail(output).decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else default

    def check_there(self) -> None:
        """Notice that the folder was taken away, before something is made in its place.

        Raises:
            MachineTrouble: it was removed or moved.
        """
        if not (self.folder.path / STUDY).is_file():
            raise MachineTrouble(
                f"{self.folder.path}: was removed or moved while its study ran. Put it back and "
                "run the same command to resume."
            )

    def room(self) -> str:
        """How much room the disk has and a trial needs, in words."""
        taken = [0]  # bytes
        for parent in ("trials", "weights"):
            for place in (self.folder.path / parent).glob("[!.]*/"):
                taken.append(sum(f.stat().st_size for f in place.rglob("*") if f.is_file()))
        free = shutil.disk_usage(self.folder.path).free
        return (
            f"{free / 1e6:.1f} MB are free on the disk of {self.folder.path}, and a trial of this "
            f"study has taken up to {max(taken) / 1e6:.1f} MB"
        )

    def _keep(self, job: Job, record: TrialRecord, seconds: float) -> None:
        (self.tests if job.kind == "test" else self.records)[job.id] = record
        self._note_race()
        self.on_event(Finished(job, record, seconds))
        for id in weights_to_drop(self.study, self.records, self.tests, self.race):
            self.folder.remove_weights(id, "not chosen")

    def repair(self) -> bool:
        """Move aside what is damaged, so that it is made again; False where nothing was.

        The study itself and its data are written when a launch begins, and not here.
        """
        given = {fault.folder for fault in self.folder.study_faults()}
        repaired = False
        while faults := [each for each in self.folder.faults() if each.folder not in given]:
            for fault in faults:
                if fault.folder.parent.name == "features":
                    remove_folder(fault.folder)  # can be computed again
                    self.on_event(Notice(f"{fault.message} These features are computed again."))
                elif fault.id == REMOVED:
                    self._move_aside(fault)
                    self.folder.note_removals_anew(self.folder.records())
                elif fault.folder == self.folder.weights_folder(fault.id):
                    self._train_again(fault.id, fault.message, fault)
                else:
                    self._move_aside(fault)
            repaired = True
        self.records, self.tests = self.folder.records(), self.folder.tests()
        self.features = self.folder.features()
        return repaired

    def _train_again(self, id: str, message: str, fault: Fault | None = None) -> None:
        """Have a finished trial run again, because its weights are damaged or gone.

        Its record goes with them: a trial is one training, and what it says must be of the
        weights that are there. Its test, if it was opened, stays.
        """
        if fault is not None:
            self.folder.quarantine(fault)
        record = Fault(id, self.folder.trial_folder(id), message, TRAINED)
        self._move_aside(record)
        self.records.pop(id, None)

    def _move_aside(self, fault: Fault) -> None:
        self.on_event(Notice(self.folder.move_aside(fault)))


def _tail(output: Path) -> bytes:
    """The end of what a process printed; it may have printed without end."""
    try:
        with output.open("rb") as file:
            file.seek(max(0, output.stat().st_size - TAIL))
            return file.read(TAIL)
    except FileNotFoundError:
        return b""
