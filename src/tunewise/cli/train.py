"""``tunewise train``."""

from __future__ import annotations

from typing import Annotated

import typer

from tunewise.cli.console import say
from tunewise.cli.device import Device, settle_device
from tunewise.cli.options import Out, Overrides
from tunewise.cli.running import run_study
from tunewise.core.canonical import JSONObject, changed_settings
from tunewise.data.inspect import look
from tunewise.data.study_template import study_name

Model = Annotated[str, typer.Option(help="A hub id, a folder, or embedded:encoder.")]
Data = Annotated[str, typer.Option(help="A hub id, a folder, a file, or embedded:reviews.")]
Name = Annotated[str, typer.Option(help="A way of adapting the model: full, head, lora, ...")]
Text = Annotated[list[str] | None, typer.Option(help="Text column; twice for pairs of texts.")]
Label = Annotated[str | None, typer.Option(help="Label column.")]
Epochs = Annotated[
    int | None, typer.Option(min=1, help="If not given, as many as validation loss falls for.")
]
BatchSize = Annotated[int | None, typer.Option(min=1)]
Rate = Annotated[float | None, typer.Option(help="If not given, it is measured.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Rows of every split: a small subset.")]
Seed = Annotated[int, typer.Option(min=0)]


def command(  # noqa: PLR0917  # typer calls it by name
    model: Model,
    data: Data,
    overrides: Overrides,
    method: Name = "full",
    text: Text = None,
    label: Label = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    learning_rate: Rate = None,
    limit: Limit = None,
    seed: Seed = 0,
    device: Device = None,
    out: Out = None,
) -> None:
    """Train one contender without a study file.

    Columns that are not named are guessed as `tunewise init` would.
    """
    settle_device(device)
    training = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    source, task = _data(data, tuple(text or ()), label)
    study = {
        "name": f"{study_name(data)[:60]}-{method}",
        "task": task,
        "data": {**source, "limit": limit},
        "models": [model],
        "methods": [method],
        "training": {name: value for name, value in training.items() if value is not None},
        "seeds": [seed],
    }
    outcome = run_study(study, out, overrides=overrides, workers=1)
    raise typer.Exit(outcome.exit_code)


def _data(data: str, texts: tuple[str, ...], label: str | None) -> tuple[JSONObject, JSONObject]:
    """The data settings of a study, and its task."""
    if texts and label:
        return {"source": data}, _classification(texts, label)
    guess = look(data)
    texts, label = texts or guess.texts, label or guess.label
    say(f"Reading {' and '.join(texts)} to predict {label}")
    source = changed_settings(guess.settings)
    if guess.settings.split:
        rule = changed_settings(guess.settings.split)
        source["split"] = {("from" if name == "from_" else name): rule[name] for name in rule}
    if guess.kind != "classification" and (texts, label) == (guess.texts, guess.label):
        return source, {"kind": guess.kind, **guess.task}
    return source, _classification(texts, label)


def _classification(texts: tuple[str, ...], label: str) -> JSONObject:
    return {"kind": "classification", "text": list(texts), "label": label}
