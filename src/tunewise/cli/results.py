"""``tunewise results``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tunewise.cli.console import STDOUT
from tunewise.cli.options import Folder, Form
from tunewise.opened import Opened
from tunewise.reports.tables import as_csv, scores
from tunewise.reports.text import print_verdict


def command(
    folder: Folder,
    form: Annotated[Form, typer.Option("--format", help="How to print them.")] = Form.table,
) -> None:
    """Show a study's rows with the verdict, as far as the study has come.

    JSON has a list `contenders`; what was measured (times, bytes, hosts) stands under keys
    named `measured`, and the rest is the same for every run of the same study.
    """
    opened = Opened(folder)
    match form:
        case Form.table:
            print_verdict(opened.results, opened.verdict, STDOUT)
        case Form.json:
            typer.echo(json.dumps(opened.as_json(), indent=2, allow_nan=False))
        case Form.csv:
            typer.echo(as_csv(scores(opened.results)), nl=False)
