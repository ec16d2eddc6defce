"""``tunewise report``."""

from __future__ import annotations

import typer

from tunewise.cli.options import Folder
from tunewise.reports.write import write_report
from tunewise.store.study import StudyFolder


def command(folder: Folder) -> None:
    """Write a study's report again, as far as the study has come. Needs no torch."""
    typer.echo(write_report(StudyFolder.open(folder)))
