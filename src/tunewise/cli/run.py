"""``tunewise run``."""

from __future__ import annotations

import typer

from tunewise.cli.options import Out, Overrides, StudyFile, Track, Workers
from tunewise.cli.running import run_study


def command(
    study: StudyFile,
    overrides: Overrides,
    track: Track,
    out: Out = None,
    workers: Workers = None,
) -> None:
    """Run a study, or go on with it: nothing that is done is done again.

    Ctrl-C once saves checkpoints and stops; the same command goes on from there.
    """
    outcome = run_study(study, out, overrides=overrides, workers=workers, trackers=track)
    raise typer.Exit(outcome.exit_code)
