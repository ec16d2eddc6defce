"""A small real study, its jobs done one by one in forks of the test's process.

They find the libraries loaded, so that a hundred of them take a minute.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tunewise.cli import main as door
from tunewise.runner import run_job
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job
from tunewise.studies.exit_codes import Exit, exit_of
from tunewise.studies.jobs import next_jobs
from tunewise.studies.prepare import prepare, store
from tunewise.studyfile.studyfile import read_study

STUDY = {
    "name": "tiny",
    "task": {"kind": "classification", "text": "text", "label": "label"},
    "data": {"source": "embedded:reviews", "limit": 30},
    "models": ["embedded:encoder"],
    "methods": ["majority", "head"],
    "training": {"epochs": 1, "batch_size": 16, "learning_rate": None},
    "seeds": [0],
}


def prepared(place: Path) -> StudyFolder:
    """The study in a folder, before its first trial."""
    folder = StudyFolder.create(place)
    with folder.lock():
        store(prepare(read_study(STUDY)), folder)
    return folder


def own_threads() -> None:
    """Let a fork have threads of its own, as a worker's child does.

    Torch replaces the pool that was lost with the parent at the first question for it, and fails
    where two threads ask at once, as loading a model does.
    """
    torch.set_num_threads(1)


def fork(action: Callable[[], Any]) -> Any:
    """A process that does it, and whose exit code is what it returns."""

    def be() -> None:
        own_threads()
        code = action()
        sys.exit(code if isinstance(code, int) else 0)

    process = multiprocessing.get_context("fork").Process(target=be)
    process.start()
    return process


def command(*words: str) -> Callable[[], int]:
    def call() -> int:
        sys.argv = ["tunewise", *words]
        door.main()
        return 0

    return call


def job(job: Job, folder: StudyFolder) -> Callable[[], int]:
    """What a worker's child does: the exit code says what became of it."""

    def call() -> int:
        try:
            run_job(job, folder.path, lambda: False)
        except BaseException as error:
            return exit_of(error)
        return Exit.COMPLETE

    return call


def jobs_left(folder: StudyFolder) -> list[Job]:
    return next_jobs(folder.study(), folder.records(), folder.tests(), folder.features())


def finish(folder: StudyFolder) -> StudyFolder:
    while left := jobs_left(folder):
        process = fork(job(left[0], folder))
        process.join()
        assert process.exitcode == Exit.COMPLETE
    return folder


def results(folder: StudyFolder) -> dict[str, str]:
    places = [*folder.records().values(), *folder.tests().values()]
    return {
        str(r.folder.relative_to(folder.path)): (r.folder / "result.json").read_text()
        for r in places
    }
