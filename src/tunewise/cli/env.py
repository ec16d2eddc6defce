"""``tunewise env``."""

from __future__ import annotations

import typer

from tunewise.core.environment import environment


def command() -> None:
    """Print versions and hardware, to paste into a bug report. No secrets, no user names."""
    values = environment()
    width = max(map(len, values))
    for name, value in values.items():
        typer.echo(f"{name:<{width}}  {'not installed' if value is None else value}")
