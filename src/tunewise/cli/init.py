"""``tunewise init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunewise.cli.console import STDERR
from tunewise.core.errors import InputError, Problem
from tunewise.core.files import write_text
from tunewise.data.inspect import look
from tunewise.data.study_template import study_name, write_study


def command(
    data: Annotated[str, typer.Argument(help="A file, folder, hub id, or embedded:reviews.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The study file; <data>.yaml if not given."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file.")] = False,
) -> None:
    """Look at data and write a commented study file for it.

    Guesses the task, the columns, the labels and the splits, and says why.
    """
    path = out or Path(f"{study_name(data)}.yaml")
    if path.exists() and not force:
        raise InputError([Problem(str(path), "is there already; --force writes over it.")])
    if not path.parent.is_dir():
        raise InputError([Problem(str(path.parent), "is no folder to write a study file into.")])
    guess = look(data, path.parent) if path.parent == Path() else look(str(Path(data).resolve()))
    write_text(path, write_study(guess, study_name(data)))
    for reason in guess.reasons:
        STDERR.print(f"- {reason}")
    for warning in (*guess.warnings, *guess.problems):
        STDERR.print(f"! {warning}")
    typer.echo(path)
    STDERR.print(f"Check it, then: tunewise run {path}")
