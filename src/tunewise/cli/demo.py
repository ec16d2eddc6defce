"""``tunewise demo``."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from tunewise.cli.console import STDERR
from tunewise.cli.options import Workers
from tunewise.cli.running import run_study


def command(
    out: Annotated[Path, typer.Option("--out", help="Folder of the study.")] = Path("runs/demo"),
    workers: Workers = None,
) -> None:
    """Run a small study on the embedded model and data. No network, about a minute.

    Five ways to adapt a small encoder, from guessing the majority to training everything, are
    trained, measured and compared on reviews of rented rooms.
    """
    with as_file(files("tunewise.cli").joinpath("demo.yaml")) as path:
        outcome = run_study(path, out, workers=workers)
    if outcome.progress.complete:
        STDERR.print(
            f"Open the report in a browser, or read {out / 'study.yaml'} and make it your own:\n"
            "  tunewise init your-data.csv     writes a study file for your data\n"
            "  tunewise run study.yaml         runs it"
        )
    raise typer.Exit(outcome.exit_code)
