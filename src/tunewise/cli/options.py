"""Options that several commands share."""

from __future__ import annotations

import typer

SET = typer.Option(
    [], "--set", metavar="KEY=VALUE", help="Override a setting, such as training.epochs=2."
)
