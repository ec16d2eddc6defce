"""``tunewise run``."""

from __future__ import annotations

from typing import Annotated

import typer

from tunewise.cli.device import Device, settle_device
from tunewise.cli.options import Out, Overrides, StudyFile, Together, Track, Workers
from tunewise.cli.running import run_study
from tunewise.core.errors import InputError, Problem
from tunewise.studies.engines.known import EngineName

Budget = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="What it may take: 30min, 2h or '3 trials'; +30min adds to what it had.",
        show_default=False,
    ),
]
More = Annotated[
    str | None,
    typer.Option(
        metavar="seeds=N",
        help="So many further seeds; all that is finished counts.",
        show_default=False,
    ),
]

Where = Annotated[
    EngineName,
    typer.Option(
        "--engine",
        help="Where trials run: on this machine, or on the Ray cluster at RAY_ADDRESS.",
    ),
]
Timed = Annotated[
    bool,
    typer.Option("--timing", help="Show where the seconds went, and keep it in timing.json."),
]


def command(  # noqa: PLR0917  # typer calls it by name
    study: StudyFile,
    overrides: Overrides,
    track: Track,
    out: Out = None,
    workers: Workers = None,
    together: Together = 1,
    device: Device = None,
    engine: Where = "local",
    budget: Budget = None,
    more: More = None,
    timing: Timed = False,
) -> None:
    """Run a study, or go on with it: nothing that is done is done again.

    Ctrl-C once saves checkpoints and stops; the same command goes on from there.
    """
    if engine != "local" and device is not None:
        message = f"'{device}': on a cluster Ray gives GPUs to trials (ray start --num-gpus)."
        raise InputError([Problem("--device", message)])
    settle_device(device)
    outcome = run_study(
        study,
        out,
        overrides=overrides,
        workers=workers,
        together=together,
        engine=engine,
        trackers=track,
        budget=budget,
        more=more,
        timed=timing,
    )
    raise typer.Exit(outcome.exit_code)
