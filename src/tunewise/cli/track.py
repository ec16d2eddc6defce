"""``tunewise track``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tunewise.cli.console import say
from tunewise.cli.options import Folder
from tunewise.store.study import StudyFolder
from tunewise.trackers.send import LOOK, track

Tracker = StrEnum("Tracker", list(LOOK))


def command(
    folder: Folder,
    to: Annotated[list[Tracker], typer.Option("--to", help="Which tracker; may be repeated.")],
) -> None:
    """Copy a study's trials into the local store of a tracker.

    Reads what the study has on the disk; nothing is sent anywhere. Done again, it adds what is
    new. Needs the tracker's package: pip install 'tunewise[tensorboard]'.
    """
    study = StudyFolder.open(folder)
    for name in dict.fromkeys(to):
        sent = track(study, name.value)
        say(f"{name.value}: {sent.runs} trial{'s' * (sent.runs != 1)} written. Look at them with:")
        typer.echo(sent.look)
