"""What a person sees when a study has run."""

from __future__ import annotations

from pathlib import Path

from tunewise.cli.console import STDERR, STDOUT
from tunewise.opened import Opened
from tunewise.reports.prompting_text import print_prompting
from tunewise.reports.text import print_verdict
from tunewise.studies.engine import Outcome


def show_end(path: Path, outcome: Outcome) -> None:
    """The verdict and the table, where the report lies, and what is left to do."""
    opened = Opened(path)
    if outcome.progress.finished:
        print_prompting(opened.evidence, STDOUT)
        print_verdict(opened.results, opened.verdict, STDOUT)
        STDERR.print(f"Report: {path / 'report' / 'index.html'}", soft_wrap=True)
    if outcome.paused:
        STDERR.print(outcome.paused)
    elif not outcome.progress.complete:
        progress = outcome.progress
        STDERR.print(
            f"Stopped after {progress.finished} of {progress.trials} trials. The same command "
            "goes on from here."
        )
