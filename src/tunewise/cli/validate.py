"""``tunewise validate``."""

from __future__ import annotations

import typer

from tunewise.cli.console import say
from tunewise.cli.options import Overrides, StudyFile
from tunewise.studies.prepare import prepare
from tunewise.studyfile.studyfile import read_study


def command(study: StudyFile, overrides: Overrides) -> None:
    """Check a study file, its data and its models; change nothing.

    Saves, loads and exports each kind of contender untrained, then lists the contenders that it
    would compare. All mistakes are reported together.
    """
    prepared = prepare(read_study(study, overrides), say=say)
    for line in prepared.contenders:
        typer.echo(line)
    for note in prepared.notes:
        typer.echo(f"note: {note}")
    rows = ", ".join(f"{count:,} {name}" for name, count in prepared.study.data.rows.items())
    typer.echo(f"{study} is valid. Rows: {rows}.")
