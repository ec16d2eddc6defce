"""What a person sees when a study has run."""

from __future__ import annotations

from pathlib import Path

from tunewise.analysis.facts import Facts
from tunewise.cli.console import STDERR, STDOUT
from tunewise.core.format import duration
from tunewise.reports.outputs.terminal import print_report
from tunewise.results import StudyResults
from tunewise.store.study import StudyFolder
from tunewise.studies.aside import waiting_jobs
from tunewise.studies.launch import Outcome
from tunewise.studies.watching.progress import clean


def show_end(path: Path, outcome: Outcome, facts: Facts | None = None) -> None:
    """The verdict and the table, where the report lies, and what is left to do.

    `facts` are those of the report that was just written, if one was.
    """
    opened = StudyResults(path, facts)
    if outcome.progress.finished:
        print_report(opened.facts, STDOUT)
        if not outcome.paused:
            STDERR.print(f"Report: {path / 'report' / 'index.html'}", soft_wrap=True)
    for line in _left_to_do(opened.folder, outcome):
        STDERR.print(clean(line), soft_wrap=True)


def _left_to_do(folder: StudyFolder, outcome: Outcome) -> list[str]:
    progress = outcome.progress
    if outcome.paused:
        return [outcome.paused]
    if outcome.aside:
        return waiting_jobs(folder, folder.study(), folder.records(), folder.tests())
    if progress.complete and not progress.finished:
        budget = folder.study().budget
        given = duration(budget.seconds) if budget else "time"
        return [
            f"The budget of {given} was spent before anything was trained: the machine is busy, or "
            "slower than predicted. `--budget +10min` adds to it."
        ]
    if progress.complete:
        return []
    return [
        f"Stopped after {progress.finished} of {progress.trials} trials. The same command "
        "resumes from here."
    ]
