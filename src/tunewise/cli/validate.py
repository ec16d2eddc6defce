"""``tunewise validate``."""

from __future__ import annotations

from pathlib import Path

import typer

from tunewise.cli.console import say
from tunewise.cli.options import SET
from tunewise.studies.describe import describe
from tunewise.studies.prepare import prepare
from tunewise.studies.studyfile import read_study


def command(
    study: Path = typer.Argument(..., help="The study file."),
    set_: list[str] = SET,
) -> None:
    """Check a study file, its data and its models; change nothing.

    Lists the contenders that it would compare. All mistakes are told together.
    """
    prepared = prepare(read_study(study, set_), say=say)
    for line in describe(prepared.study["contenders"]):
        typer.echo(line)
    for note in prepared.notes:
        typer.echo(f"note: {note}")
    rows = ", ".join(f"{n:,} {name}" for name, n in prepared.study["data"]["rows"].items())
    typer.echo(f"{study} is a valid study: {len(prepared.study['contenders'])} contenders, {rows}.")
