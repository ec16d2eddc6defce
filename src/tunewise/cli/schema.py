"""``tunewise schema``."""

from __future__ import annotations

from importlib.resources import files

import typer


def command() -> None:
    """Print the JSON Schema of the study file. Editors complete and check with it.

    A first line `# yaml-language-server: $schema=study.schema.json` connects a study file to it.
    """
    typer.echo(files("tunewise.studyfile").joinpath("study.schema.json").read_text(), nl=False)
