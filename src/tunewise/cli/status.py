"""``tunewise status``."""

from __future__ import annotations

from pathlib import Path

import typer

from tunewise.cli.options import Folder
from tunewise.core.format import duration
from tunewise.store.study import STUDY, StudyFolder
from tunewise.studies.aside import waiting_jobs
from tunewise.studies.jobs import progress_of


def command(folder: Folder) -> None:
    """Say where a study stands: what is done, what failed, what is damaged, who runs it now.

    Every stored file is read and compared with what was written.
    """
    study_folder = StudyFolder.open(folder)
    faults = study_folder.faults()
    if all(fault.id != STUDY for fault in faults):
        _tell(study_folder, folder)
    for fault in faults:
        typer.echo(f"damaged     {fault.says}")
    if faults:
        raise typer.Exit(1)


def _tell(study_folder: StudyFolder, folder: Path) -> None:
    study = study_folder.study()
    records, tests = study_folder.records(), study_folder.tests()
    progress = progress_of(study, records, tests)
    running = study_folder.running()
    if progress.complete:
        state = "complete"
    elif running:
        state = f"running ({running})"
    else:
        state = f"not complete; resume with: tunewise run {folder / 'study.yaml'} --out {folder}"
    lines = {
        "study": study.name,
        "state": state,
        "trials": _of(progress.finished, progress.trials, progress.failed),
        "tests": f"{progress.tested} of {progress.tests}",
        "contenders": _of(
            progress.contenders - progress.contenders_failed,
            progress.contenders,
            progress.contenders_failed,
        ),
    }
    if not study.plans_tests:
        del lines["tests"]
    if study.budget is not None and study.budget.is_stopped:
        given = duration(study.budget.seconds)
        lines["budget"] = f"{given}, spent before all was trained; --budget +5min goes on"
    for name, value in lines.items():
        typer.echo(f"{name:<11} {value}")
    for line in waiting_jobs(study_folder, study, records, tests):
        typer.echo(f"{'waiting':<11} {line}")


def _of(done: int, total: int, failed: int) -> str:
    return f"{done} of {total}" + (f", {failed} failed" if failed else "")
