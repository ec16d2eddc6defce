"""``tunewise run``."""

from __future__ import annotations

import typer

from tunewise.api import launch
from tunewise.cli.console import say
from tunewise.cli.finish import show_end
from tunewise.cli.options import Out, Overrides, StudyFile, Track, Workers
from tunewise.studies.prepare import default_folder
from tunewise.studies.studyfile import read_study


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
    settings = read_study(study, overrides)
    outcome = launch(settings, out, workers=workers, trackers=track, say=say)
    show_end(out or default_folder(settings), outcome)
    raise typer.Exit(outcome.exit_code)
