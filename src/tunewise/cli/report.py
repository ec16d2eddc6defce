"""``tunewise report``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tunewise.cli.damage import damage_named
from tunewise.cli.options import Folder
from tunewise.core.errors import InputError
from tunewise.reports.outputs.forms import checked_forms
from tunewise.reports.outputs.pdf import write_pdf
from tunewise.reports.outputs.submission import write_submission
from tunewise.reports.outputs.write import write_latex, write_report
from tunewise.store.study import StudyFolder

WRITERS = {"html": write_report, "pdf": write_pdf, "tex": write_latex}


class Layout(StrEnum):
    """What is written, and how it is laid out."""

    report = "report"
    submission = "submission"


def command(
    folder: Folder,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="html,pdf,tex",
            help="Which of them: the page with tables and plots, the paper, the LaTeX tables. "
            "html if not given.",
            show_default=False,
        ),
    ] = None,
    layout: Annotated[
        Layout,
        typer.Option("--layout", help="submission: a folder to hand in, with script and weights."),
    ] = Layout.report,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where to write; the study's own folder report if not given."),
    ] = None,
) -> None:
    """Write a study's report again, as far as the study has come. Needs no torch."""
    study = StudyFolder.open(folder)
    match layout:
        case Layout.report:
            forms = checked_forms(form or "html")
            with damage_named(folder):
                for name in forms:
                    typer.echo(WRITERS[name](study, out))
        case Layout.submission:
            if out is None or form is not None:
                raise InputError("--layout submission needs --out FOLDER, and takes no --format.")
            with damage_named(folder):
                typer.echo(write_submission(study, out))
