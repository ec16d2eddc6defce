"""``tunewise report``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunewise.analysis.facts import Facts
from tunewise.cli.damage import damage_named
from tunewise.cli.options import Folder
from tunewise.core.errors import InputError, Problem
from tunewise.core.lazy import Later
from tunewise.reports.outputs.forms import checked_forms, write_forms
from tunewise.reports.outputs.submission import write_submission
from tunewise.results import StudyResults
from tunewise.store.study import StudyFolder

if TYPE_CHECKING:
    from tunewise.cli import scripts
else:
    scripts = Later("tunewise.cli.scripts")  # it loads torch, which no other report needs


class Layout(StrEnum):
    """What is written, and how it is laid out."""

    report = "report"
    submission = "submission"


def command(  # noqa: PLR0917  # a command's options are named when it is called
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
    contender: Annotated[
        str | None,
        typer.Option("--contender", help="Whose script it is; the verdict's best if none."),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="The title of the paper.")] = None,
    author: Annotated[str | None, typer.Option("--author", help="Its author.")] = None,
) -> None:
    """Write a study's report again, as far as the study has come.

    A submission has the paper, the results and weights, and beside them one contender as a script
    of torch, transformers and PEFT with its data, which runs without Tunewise.
    """
    study = StudyFolder.open(folder)
    if out is not None and out.is_file():
        raise InputError([Problem(str(out), "is a file; name a folder, such as report.")])
    match layout:
        case Layout.report:
            forms = checked_forms(form or "html")
            if contender is not None:
                raise InputError("--contender is of --layout submission, whose script it chooses.")
            if (title or author) and "pdf" not in forms:
                raise InputError("--title and --author are of the paper: --format pdf.")
            with damage_named(folder):
                facts, to = Facts.of(study), out or study.path / "report"
                for path in write_forms(facts, to, forms, title=title, author=author):
                    typer.echo(path)
        case Layout.submission:
            if out is None or form is not None:
                raise InputError("--layout submission needs --out FOLDER, and takes no --format.")
            with damage_named(folder):
                typer.echo(
                    write_submission(
                        study,
                        out,
                        script=lambda to: scripts.write_script_of(
                            StudyResults(folder), contender, to, copy_models=True
                        )[0],
                        title=title,
                        author=author,
                    )
                )
