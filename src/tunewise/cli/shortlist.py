"""``tunewise shortlist``."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tunewise.api import Study
from tunewise.cli import completion
from tunewise.cli.console import STDOUT, say
from tunewise.cli.next_step import YAML
from tunewise.cli.options import Form, Models, Overrides
from tunewise.core.errors import InputError, Problem
from tunewise.reports.document.csv import as_csv
from tunewise.reports.document.model import (
    Section,
)
from tunewise.reports.document.terminal import print_sections
from tunewise.reports.outputs.record import finite
from tunewise.shortlisted import blocks, table
from tunewise.store.study import is_study
from tunewise.studies.shortlist import shortlist
from tunewise.studyfile.settings import StudySettings
from tunewise.studyfile.studyfile import read_study

Place = Annotated[
    Path,
    typer.Argument(
        metavar="STUDY_OR_DATA",
        help="A study file, or data of which one would be drafted as `tunewise init` does.",
        show_default=False,
        autocompletion=completion.study_files,
    ),
]


def command(
    study: Place,
    overrides: Overrides,
    models: Models = None,
    form: Annotated[Form, typer.Option("--format", help="How to print it.")] = Form.table,
) -> None:
    """Compare models by their frozen features, before any of them is trained.

    Reads train and validation once with each model and keeps the features, which a study uses
    again. A linear probe and the nearest neighbor answer validation; the test split stays sealed.
    Without --models, those of the study. Exit code 1: a model was not at hand.
    """
    found = shortlist(_settings(study, overrides, models or []), say=say)
    match form:
        case Form.table:
            print_sections([Section("shortlist", "Shortlist", tuple(blocks(found)))], STDOUT)
            following = ["init", str(study), "--models", *found.keep]
            if study.suffix in YAML:
                following = ["run", str(study), "--set", f"models={json.dumps(list(found.keep))}"]
            STDOUT.print(f"Next: {shlex.join(['tunewise', *following])}", soft_wrap=True)
        case Form.json:
            typer.echo(json.dumps(finite(found.as_json()), indent=2, allow_nan=False))
        case Form.csv:
            typer.echo(as_csv(table(found, found.probe, "")), nl=False)
    raise typer.Exit(1 if found.missing else 0)


def _settings(place: Path, overrides: Sequence[str], models: Sequence[str]) -> StudySettings:
    """Of a study file as it stands, of data as `init` would draft it; with other models."""
    changed = [*overrides, *([f"models={json.dumps(list(models))}"] if models else [])]
    if place.suffix in YAML:
        return read_study(place, changed)
    if is_study(place):
        message = "the folder of a study that was run; name its study file."
        raise InputError([Problem(str(place), message)])
    return Study.draft(str(place), overrides=changed).settings
