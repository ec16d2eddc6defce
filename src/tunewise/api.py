"""The Python interface: the command line's verbs as functions.

import tunewise

study = tunewise.Study.read("study.yaml")
finished = study.run("runs/sst5")
print(finished.verdict.headline)
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewise.core.errors import StudyBusy, TunewiseError
from tunewise.core.lazy import Later
from tunewise.estimate.batch_size import with_batch_sizes
from tunewise.estimate.budget import expected, with_budget
from tunewise.estimate.plan import plan
from tunewise.estimate.plan_types import Plan
from tunewise.store.study import StudyFolder, is_study
from tunewise.studies.engine import Outcome, run_jobs
from tunewise.studies.events import Event, Finished, Notice, OnEvent
from tunewise.studies.pool import Pool, usable_cores
from tunewise.studies.prepare import Prepared, Say, default_folder, prepare, store
from tunewise.studies.progress import show_progress
from tunewise.studies.race.clock import Clock
from tunewise.studies.reuse import reused
from tunewise.studyfile.settings import StudySettings
from tunewise.studyfile.studyfile import read_study
from tunewise.trackers.follow import Follower
from tunewise.trackers.send import check_trackers, track

if TYPE_CHECKING:
    from tunewise import results
    from tunewise.reports.outputs import write
else:  # charts and statistics take a second to load, and the first trial does not wait for them
    results = Later("tunewise.results")
    write = Later("tunewise.reports.outputs.write")


@dataclass(frozen=True)
class Study:
    """A study file that was read and holds together."""

    settings: StudySettings

    @classmethod
    def read(cls, source: Path | str | Mapping[str, Any], overrides: Sequence[str] = ()) -> Study:
        """Read a study file, or the same as a mapping.

        Raises:
            InputError: with all mistakes found.
        """
        return cls(read_study(source, overrides))

    def prepare(self, *, say: Say = lambda text: None) -> Prepared:
        """Read and audit the data, find the models, count each contender. Writes nothing."""
        return prepare(self.settings, say=say)

    def plan(self, *, workers: int | None = None, say: Say = lambda text: None) -> Plan:
        """What it would take and could tell; of each model only the configuration is needed."""
        return plan(self.settings, workers=workers or len(usable_cores()), say=say)

    def run(
        self, out: Path | str | None = None, *, workers: int | None = None
    ) -> results.StudyResults:
        """Run the study, or go on with it, in the folder `out` (``runs/<name>``)."""
        with Pool() as pool:
            launch(self.settings, Path(out) if out else None, pool=pool, workers=workers)
        return results.StudyResults(Path(out) if out else default_folder(self.settings))


def launch(
    settings: StudySettings,
    out: Path | None,
    *,
    pool: Pool,
    workers: int | None = None,
    trackers: Sequence[str] = (),
    added: float = 0.0,
    began: float | None = None,
    say: Say = lambda text: None,
) -> Outcome:
    """Prepare and store a study, run what it still needs, and write its report.

    `pool` is the worker, which loads its libraries while the study is prepared. `trackers` are
    those of the command line, beside the study's own. One that fails is reported and ends nothing.
    `added` seconds come on top of the study's budget, which counts from `began` on.

    Raises:
        MissingExtra: the package of a tracker is not installed.
        InputError: something is wrong with the study; nothing was written.
        StudyBusy: somebody else runs it.
    """
    began = time.monotonic() if began is None else began
    path = out or default_folder(settings)
    if path.is_dir() and (holder := StudyFolder(path).running()):
        raise StudyBusy(f"{path} is being run: {holder}.")
    trackers = tuple(dict.fromkeys([*settings.trackers, *trackers]))
    check_trackers(trackers)
    prepared = prepare(settings, say=say)
    for note in prepared.notes:
        say(f"note: {note}")
    workers = workers or len(usable_cores())
    prepared = with_batch_sizes(prepared, path, workers=workers, pool=pool, say=say)
    if not is_study(path):
        for line in expected(prepared, workers=workers):
            say(line)
    prepared = with_budget(prepared, path, workers=workers, added=added, say=say)
    folder = StudyFolder.create(path)
    for line in reused(prepared.study, folder):
        say(line)
    with folder.lock():
        for repaired in store(prepared, folder):
            say(f"note: {repaired}")
        with (
            show_progress(folder, workers=workers) as on_event,
            Follower(path, trackers) as follower,
        ):
            hear = _followed(on_event, follower)
            clock = Clock(path, began)
            outcome = run_jobs(folder, workers=workers, pool=pool, on_event=hear, clock=clock)
        if outcome.progress.finished and not outcome.paused:  # for want of room it would fail
            say("Writing the report ...")
            write.write_report(folder)
            for name in trackers:
                _track(folder, name, say)
        if settings.budget is not None:
            clock.note(every=0)
    return outcome


def _followed(on_event: OnEvent, follower: Follower) -> OnEvent:
    """Tells the trackers of finished trials, and the person of trackers that do not follow."""

    def hear(event: Event) -> None:
        on_event(event)
        if isinstance(event, Finished):
            follower.wake()
        for note in follower.notes():
            on_event(Notice(note))

    return hear


def _track(folder: StudyFolder, name: str, say: Say) -> None:
    try:
        sent = track(folder, name)
    except TunewiseError as error:
        say(f"note: {error}")
    else:
        say(f"{name}: look at the trials with: {sent.look}")
