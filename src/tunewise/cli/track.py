"""``tunewise track``."""

from __future__ import annotations

from typing import Annotated

import typer

from tunewise.cli.console import say
from tunewise.cli.damage import damage_named
from tunewise.cli.options import Folder
from tunewise.store.study import StudyFolder
from tunewise.trackers.send import LOOK, check_trackers, track

Trackers = Annotated[
    list[str], typer.Option("--to", metavar="TRACKER", help=f"{', '.join(LOOK)}; may be repeated.")
]


def command(
    folder: Folder,
    to: Trackers,
) -> None:
    """Copy a study's trials into the local store of a tracker.

    Reads what the study has on the disk; nothing is sent anywhere. Done again, it adds what is
    new. Needs the tracker's package: pip install 'tunewise[tensorboard]'.
    """
    check_trackers(to)
    study = StudyFolder.open(folder)
    with damage_named(folder):
        for name in dict.fromkeys(to):
            sent = track(study, name)
            say(f"{name}: {sent.runs} trial{'s' * (sent.runs != 1)} written. Look at them with:")
            typer.echo(sent.look)
