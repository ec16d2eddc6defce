"""``tunewise results``."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tunewise.analysis.facts import Facts
from tunewise.cli import completion
from tunewise.cli.console import STDOUT
from tunewise.cli.damage import damage_named
from tunewise.cli.options import Form
from tunewise.core.errors import InputError
from tunewise.judging.asked import Asked
from tunewise.judging.judge import Judgment, judge_files
from tunewise.reports.document.csv import as_csv
from tunewise.reports.outputs.terminal import print_judgment, print_report
from tunewise.reports.sections.results import scores_table
from tunewise.results import StudyResults


class Source(StrEnum):
    """Who wrote the results."""

    tunewise = "tunewise"
    peft = "peft"


def command(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER",
            help="The folder of a study; with --from peft, result files or folders of them.",
            show_default=False,
            autocompletion=completion.study_folders,
        ),
    ],
    form: Annotated[Form, typer.Option("--format", help="How to print them.")] = Form.table,
    source: Annotated[
        Source, typer.Option("--from", help="Who wrote them; peft: PEFT's method comparison.")
    ] = Source.tunewise,
) -> None:
    """Show a study's rows with the verdict, as far as the study has come.

    JSON has a list `contenders`; what was measured (times, bytes, hosts) stands under keys
    named `measured`, and the rest is the same for every run of the same study.

    With --from peft, the rows are experiments of the PEFT project's method comparison
    (MetaMathQA, scored on GSM8K), judged as `tunewise judge` does.
    """
    match source:
        case Source.tunewise:
            if len(paths) != 1:
                raise InputError(f"{len(paths)} folders: name one study.")
            with damage_named(paths[0]):
                _print(StudyResults(paths[0]), form, print_report)
        case Source.peft:
            judgment = judge_files(paths, Asked(name="PEFT's method comparison"))
            _print(judgment, form, print_judgment)


def _print(
    found: StudyResults | Judgment, form: Form, as_table: Callable[[Facts, Console], None]
) -> None:
    match form:
        case Form.table:
            as_table(found.facts, STDOUT)
        case Form.json:
            typer.echo(json.dumps(found.as_json(), indent=2, allow_nan=False))
        case Form.csv:
            typer.echo(as_csv(scores_table(found.facts)), nl=False)
