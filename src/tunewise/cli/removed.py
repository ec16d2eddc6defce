"""``tunewise removed``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from tunewise.cli import completion
from tunewise.cli.console import STDOUT, say
from tunewise.cli.damage import damage_named
from tunewise.cli.options import Form
from tunewise.core.errors import InputError, Problem
from tunewise.core.format import listed, plural
from tunewise.core.sanitize import shown
from tunewise.data.cleaning.clean import STEPS, Removed
from tunewise.data.cleaning.removed import COLUMNS, FILE, read_removed
from tunewise.reports.document.csv import as_csv
from tunewise.reports.document.model import Table
from tunewise.store.study import StudyFolder
from tunewise.studies.rows import rows_of
from tunewise.studyfile.studyfile import read_study

TEXT = 60  # characters of a text in the listing

Place = Annotated[
    Path,
    typer.Argument(
        help="A study file, or the folder of a study.",
        show_default=False,
        autocompletion=completion.studies,
    ),
]


def command(
    study: Place,
    form: Annotated[Form, typer.Option("--format", help="How to print them.")] = Form.table,
) -> None:
    """List the rows that data.clean takes out of the data, each with its step and the reason.

    Of a study file, those that it would remove now; of a folder, those that were removed.
    """
    if study.is_dir():
        folder = StudyFolder(study)
        with damage_named(study):
            if "clean" not in folder.study().data.source:
                raise InputError([Problem(str(study), f"its study cleans nothing. {_HOW}")])
            removed: Sequence[Removed] = read_removed(folder.file(f"data/{FILE}"))
    else:
        settings = read_study(study)
        if settings.data.clean is None:
            raise InputError([Problem(f"{study} data", f"nothing is cleaned. {_HOW}")])
        say("Reading the data ...")
        removed = rows_of(settings).removed
    match form:
        case Form.json:
            typer.echo("".join(f"{json.dumps(asdict(one))}\n" for one in removed), nl=False)
        case Form.csv:
            rows = (tuple(asdict(one).values()) for one in removed)
            typer.echo(as_csv(Table.of_files("removed", "Removed", COLUMNS, rows)), nl=False)
        case Form.table:
            _print(removed)


_HOW = "Steps are named under data.clean, such as clean: {empty: drop, duplicates: drop}."


def _print(removed: Sequence[Removed]) -> None:
    if not removed:
        STDOUT.print("No row is removed.")
        return
    counts = Counter(one.step for one in removed)
    parts = [f"{counts[step]:,} {what}" for step, what in STEPS.items() if counts[step]]
    STDOUT.print(f"{plural(len(removed), 'row')}: {listed(parts, most=9)}.")
    for step, what in STEPS.items():
        for number, one in enumerate(each for each in removed if each.step == step):
            if not number:
                STDOUT.print(Text(f"\n{what[0].upper()}{what[1:]}", style="bold"))
            label = f" [{shown(one.label)}]" if one.label else ""
            text = " ".join(shown(one.text).split())
            text = text if len(text) <= TEXT else f"{text[:TEXT]}…"
            STDOUT.print(Text(f"{shown(one.place)}{label}: {shown(one.reason)}"))
            if text:
                STDOUT.print(Text(f"    {text}", style="dim"))
