"""``tunewise board``."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from tunewise.cli import completion
from tunewise.cli.console import say
from tunewise.cli.damage import damage_named
from tunewise.core.errors import InputError
from tunewise.reports.outputs.dashboard import Board
from tunewise.reports.outputs.serve import BoardServer


def command(
    folders: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of studies, or a folder of them such as runs.",
            autocompletion=completion.study_folders,
        ),
    ],
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 0,
) -> None:
    """Show studies side by side on a page of this machine, until Ctrl-C. Changes nothing."""
    board = Board(folders)
    try:
        server = BoardServer(board, port)
    except OSError as error:
        raise InputError(
            f"--port {port}: {error.strerror}. Leave it out for a free one."
        ) from error
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell's & ignores it
    with server, damage_named(*board.studies):
        typer.echo(server.url)
        say(f"{len(board.studies)} studies. Ctrl-C ends it.")
        server.serve_forever()
