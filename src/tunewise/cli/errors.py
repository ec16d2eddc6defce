"""``tunewise errors``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tunewise.analysis.errors import contender_named, errors_of
from tunewise.cli import completion
from tunewise.cli.console import STDOUT
from tunewise.cli.damage import damage_named
from tunewise.cli.options import Folder, Form
from tunewise.core.errors import InputError, Problem
from tunewise.reports.document.csv import as_csv
from tunewise.reports.document.model import Section
from tunewise.reports.document.terminal import print_sections
from tunewise.reports.outputs.error_list import error_blocks, errors_table, listing
from tunewise.reports.outputs.record import finite
from tunewise.results import StudyResults


def command(
    folder: Folder,
    contender: Annotated[
        str | None,
        typer.Option(
            "--contender",
            help="Whose errors; those of the best if none.",
            autocompletion=completion.contenders,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every error.")] = False,
    form: Annotated[Form, typer.Option("--format", help="How to print them.")] = Form.table,
) -> None:
    """List what to look at by hand: likely label mistakes, then the most confident errors.

    A label is doubted by probabilities on validation and test, which no trial learned from
    (confident learning, Northcutt et al. 2021). CSV has a line for each example.
    """
    with damage_named(folder):
        opened = StudyResults(folder)
        facts = opened.facts
        found = facts.errors if contender is None else None
        if contender is not None:
            found = errors_of(facts.evidence, contender_named(facts.evidence, contender))
        if found is None:
            who = f"'{contender}' has" if contender else "no contender has"
            path = opened.folder.path
            message = (
                f"{who} answered nothing yet. Resume with: tunewise run {path / 'study.yaml'} "
            )
            raise InputError([Problem(str(path), f"{message}--out {path}")])
        match form:
            case Form.json:
                rows = finite(listing(found))
                typer.echo(json.dumps(rows, indent=2, allow_nan=False))
            case Form.csv:
                typer.echo(as_csv(errors_table(found)), nl=False)
            case Form.table:
                blocks = tuple(error_blocks(found, everything=everything))
                print_sections([Section("errors", "Errors", blocks)], STDOUT)
