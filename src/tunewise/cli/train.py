"""``tunewise train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tunewise.api import launch
from tunewise.cli.console import say
from tunewise.cli.finish import show_end
from tunewise.cli.options import Out, Overrides
from tunewise.core.canonical import settings_of
from tunewise.data.inspect import look
from tunewise.studies.prepare import default_folder
from tunewise.studies.studyfile import read_study


def command(
    model: Annotated[str, typer.Option("--model", help="A hub id, a folder, or embedded:encoder.")],
    data: Annotated[
        str, typer.Option("--data", help="A hub id, folder, file or embedded:reviews.")
    ],
    overrides: Overrides,
    method: Annotated[str, typer.Option("--method", help="A way of adapting it.")] = "full",
    text: Annotated[
        list[str] | None, typer.Option("--text", help="Text column; twice for pairs of texts.")
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="Label column.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1)] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Rows of every split: a small subset.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
    out: Out = None,
) -> None:
    """Train one contender without a study file.

    Columns that are not named are guessed as `tunewise init` would.
    """
    given: dict[str, Any] = {"source": data}
    texts, answer = tuple(text or ()), label
    if not texts or answer is None:
        guess = look(data)
        texts, answer = texts or guess.texts, answer or guess.label
        given = {key: value for key, value in settings_of(guess.settings).items() if value}
        if guess.settings.split:
            split = given["split"]
            given["split"] = {"from": split.pop("from_"), **{k: v for k, v in split.items() if v}}
        say(f"Reading {', '.join(texts)} to predict {answer}")
    study = {
        "name": f"{method}-{Path(data.rpartition(':')[2]).stem or 'data'}",
        "task": {"kind": "classification", "text": list(texts), "label": answer},
        "data": {**given, **({"limit": limit} if limit else {})},
        "models": [model],
        "methods": [method],
        "training": {
            name: value
            for name, value in {
                "epochs": epochs,
                "batch_size": batch_size,
                "learning_rate": learning_rate,
            }.items()
            if value is not None
        },
        "seeds": [seed],
    }
    settings = read_study(study, overrides)
    outcome = launch(settings, out, workers=1, say=say)
    show_end(out or default_folder(settings), outcome)
    raise typer.Exit(outcome.exit_code)
