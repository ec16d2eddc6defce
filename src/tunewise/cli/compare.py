"""``tunewise compare``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tunewise.analysis.compare import contest, contest_record
from tunewise.cli import completion
from tunewise.cli.console import STDOUT
from tunewise.cli.damage import damage_named
from tunewise.cli.options import Folder, Form
from tunewise.reports.document.csv import as_csv
from tunewise.reports.outputs.compare import differing_table, print_contest
from tunewise.reports.outputs.record import finite
from tunewise.results import StudyResults

Name = Annotated[
    str,
    typer.Argument(
        help="A contender, as results name it.",
        show_default=False,
        autocompletion=completion.contenders,
    ),
]


def command(
    folder: Folder,
    first: Name,
    second: Name,
    everything: Annotated[
        bool, typer.Option("--all", help="Show every example on which they differ.")
    ] = False,
    form: Annotated[Form, typer.Option("--format", help="How to print it.")] = Form.table,
) -> None:
    """Set two contenders side by side: scores, settings, costs, and the examples they differ on.

    CSV has one line for each example that they answer differently; JSON has everything.
    """
    with damage_named(folder):
        study = StudyResults(folder)
        found = contest(study.evidence, study.results, first, second)
        match form:
            case Form.table:
                print_contest(found, STDOUT, everything=everything)
            case Form.json:
                typer.echo(json.dumps(finite(contest_record(found)), indent=2, allow_nan=False))
            case Form.csv:
                typer.echo(as_csv(differing_table(found)), nl=False)
