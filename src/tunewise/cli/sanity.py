"""``tunewise sanity``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tunewise.cli.console import STDERR, say
from tunewise.cli.options import Overrides, StudyFile
from tunewise.core.errors import InputError
from tunewise.core.sanitize import shown
from tunewise.data.prepared import IMAGES, write_images
from tunewise.estimate.precision import with_precision
from tunewise.methods.base import Adaptation
from tunewise.reports.charts.sanity import sanity_chart
from tunewise.reports.outputs.write import write_plot
from tunewise.store.records import TrialSettings
from tunewise.studies.prepare import Prepared, default_folder, prepare
from tunewise.studyfile.expand import PlannedContender, expand
from tunewise.studyfile.settings import StudySettings
from tunewise.studyfile.studyfile import read_study
from tunewise.training.assembly import Parts
from tunewise.training.loop import Diverged
from tunewise.training.outcome import described
from tunewise.training.sanity import EPOCHS, few_examples, overfit, rate_for

Out = Annotated[
    Path | None,
    typer.Option("--out", help="Folder of the plot; runs/<name>-sanity if not given."),
]


def command(study: StudyFile, overrides: Overrides, out: Out = None) -> None:
    """Check that each contender can learn ten training examples by heart.

    Trains each for 20 epochs at its first search point and prints its accuracy on the ten after
    each epoch. What cannot reach 100 % has a mistake in its settings, its labels or its code.
    Exit code 1: some could not.
    """
    settings = read_study(study, overrides)
    prepared = with_precision(prepare(settings, say=say), None, say=say)
    task: Any = settings.task
    examples = few_examples([task.read(row) for row in prepared.splits["train"]])
    out = out or default_folder(settings).with_name(f"{settings.name}-sanity")
    used = {example.image: prepared.images[example.image] for example in examples if example.image}
    write_images(out, used)
    examples = [
        example._replace(image=str(out / IMAGES / example.image)) if example.image else example
        for example in examples
    ]
    contenders = _trained(settings, prepared)
    others = [row.name for row in prepared.study.contenders]
    if left_out := [name for name in others if name not in contenders]:
        say(f"Left out, as nothing is trained step by step: {', '.join(left_out)}")
    width = max(len(name) for name in contenders)
    curves: dict[str, list[float]] = {}
    for name, (contender, trial) in contenders.items():
        say(f"Training {name}")
        parts = Parts.of(trial, out)
        rate = _rate(contender, parts)
        try:
            curve = overfit(parts, examples, learning_rate=rate)
        except (Diverged, MemoryError, RuntimeError, ValueError) as error:
            typer.echo(f"{name:<{width}}  no   {shown(described(error))}")
            continue
        curves[name] = curve
        typer.echo(f"{name:<{width}}  {_outcome(curve, rate)}")
    if curves:
        write_plot(out, sanity_chart(curves))
        STDERR.print(f"Plot: {out / 'sanity.svg'}", soft_wrap=True)
    if any(name not in curves or max(curves[name]) < 1 for name in contenders):
        raise typer.Exit(1)


def _trained(
    settings: StudySettings, prepared: Prepared
) -> dict[str, tuple[PlannedContender, TrialSettings]]:
    """Each contender that the loop trains, with the settings of a trial at its first point."""
    rows = zip(expand(settings).contenders, prepared.study.contenders, strict=True)
    found = {
        row.name: (contender, row.points[0].settings.with_seed(settings.seeds[0]))
        for contender, row in rows
        if contender.trained
    }
    if not found:
        raise InputError("sanity: no method of this study trains a model.")
    return found


def _rate(contender: PlannedContender, parts: Parts) -> float:
    assert isinstance(parts.method, Adaptation)
    entry = contender.entry
    states_rate = (
        entry.training.get("learning_rate", (None,)) != (None,)
        or "training.learning_rate" in entry.search
    )
    stated = parts.training.learning_rate if states_rate else None
    return rate_for(parts.method, stated)


def _outcome(curve: Sequence[float], rate: float) -> str:
    """Whether it could, when, and the percentages after each epoch.

    What never falls in the second half, and rises in it, has most likely no mistake but too small
    a rate. A curve that goes up and down says nothing of the kind.
    """
    percents = " ".join(f"{100 * accuracy:.0f}" for accuracy in curve)
    if max(curve) == 1:
        return f"yes  100 % at epoch {list(curve).index(1) + 1}\n  {percents}"
    best = max(curve)
    text = f"no   {100 * best:.0f} % at most in {EPOCHS} epochs at learning rate {rate:g}"
    half = curve[EPOCHS // 2 - 1 :]
    if list(half) == sorted(half) and half[-1] > half[0]:
        text += "; it still rises: try a larger one"
    return f"{text}\n  {percents}"
