"""``tunewise init``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tunewise.cli.console import STDERR
from tunewise.cli.first_screen import print_first_screen
from tunewise.core.errors import InputError, Problem
from tunewise.core.files import write_text
from tunewise.core.sanitize import shown
from tunewise.data.column_guess import Wishes
from tunewise.data.inspect import look
from tunewise.data.study_template import study_name, write_study


def command(  # noqa: PLR0917  # typer calls it by name
    data: Annotated[str, typer.Argument(help="A file, folder, hub id, or embedded:reviews.")],
    text: Annotated[
        list[str] | None,
        typer.Option("--text", help="A column of texts; several are put together as one input."),
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="The column of the label.")] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="A column whose values stand in one split only.")
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option("--drop", help="A column that is neither text nor label; may be repeated."),
    ] = None,
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="The sheet of a workbook with several.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The study file; <data>.yaml if not given."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file.")] = False,
) -> None:
    """Look at data and write a study file that runs as it is.

    Chooses the task, the columns, the splits and the cleaning by what the data holds, and says
    why. On a terminal it asks where two columns could both be the label.
    """
    path = out or Path(f"{study_name(data)}.yaml")
    if path.exists() and not force:
        raise InputError([Problem(str(path), "is there already; --force writes over it.")])
    if not path.parent.is_dir():
        raise InputError([Problem(str(path.parent), "is no folder to write a study file into.")])
    ask = _asked if sys.stdin.isatty() and sys.stderr.isatty() else None
    wishes = Wishes(tuple(text or ()), label, group, tuple(drop or ()), sheet, ask)
    here = path.parent == Path()
    source = str(Path(data).resolve()) if not here and Path(data).exists() else data
    guess = look(source, path.parent if here else Path(), wishes)
    write_text(path, write_study(guess, study_name(data)))
    print_first_screen(guess, data, STDERR)
    for reason in guess.reasons:
        STDERR.print(f"- {shown(reason)}")
    for warning in (*guess.warnings, *guess.problems):
        if not warning.startswith("data.clean") and warning not in guess.profile.notes:
            STDERR.print(f"! {shown(warning)}")
    typer.echo(path)
    STDERR.print(f"Check it, then: tunewise run {path}")


def _asked(question: str, options: Sequence[str], assumed: str) -> str:
    """Ask on the terminal; an empty answer takes what is assumed."""
    STDERR.print(f"{question} It could be {', '.join(map(shown, options))}.")
    while True:
        answer = str(typer.prompt("Name", default=assumed, err=True)).strip()
        if answer in options:
            return answer
        STDERR.print(f"One of these: {', '.join(map(shown, options))}.")
