"""Arguments and options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tunewise.cli import completion


class Form(StrEnum):
    """How a command prints what it found."""

    table = "table"
    json = "json"
    csv = "csv"


StudyFile = Annotated[
    Path,
    typer.Argument(
        help="The study file.", show_default=False, autocompletion=completion.study_files
    ),
]
Folder = Annotated[
    Path,
    typer.Argument(
        help="The folder of a study, such as runs/sst5.",
        show_default=False,
        autocompletion=completion.study_folders,
    ),
]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a setting, such as training.epochs=2; may be repeated.",
        default_factory=list,
        show_default=False,
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Folder of the study; runs/<name> if not given.")
]
Track = Annotated[
    list[str],
    typer.Option(
        "--track",
        metavar="TRACKER",
        help="Copy the trials for tensorboard, mlflow, wandb or trackio; may be repeated.",
        default_factory=list,
        show_default=False,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        help="Trials side by side; if not given as many as GPUs, or as cores without one.",
    ),
]
Together = Annotated[
    int,
    typer.Option(
        "--together",
        min=1,
        metavar="N",
        help="LoRA trials of one model that one process trains as one batch, where they can be.",
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--models",
        metavar="MODEL...",
        help="Folders, hub ids or embedded:encoder; several behind each other.",
        show_default=False,
    ),
]
