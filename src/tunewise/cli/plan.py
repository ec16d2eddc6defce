"""``tunewise plan``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from textwrap import wrap
from typing import Annotated

import typer

from tunewise.backbones.sources import EMBEDDED
from tunewise.cli import proposed_models
from tunewise.cli.console import say
from tunewise.cli.options import Overrides, StudyFile, Workers
from tunewise.cli.proposed_models import proposed
from tunewise.core.format import count, duration, plural, size
from tunewise.data.first_look.languages import languages_of
from tunewise.data.first_look.profile import word_counts
from tunewise.estimate.by_size import DRAFTED_SEEDS, Workload
from tunewise.estimate.plan import plan
from tunewise.estimate.plan_types import Plan, Planned, Schedule, up_to
from tunewise.estimate.schedule import refuse_too_small
from tunewise.statistics.power import detectable_difference, detectable_shift
from tunewise.studies.engines.pool import usable_cores
from tunewise.studies.rows import rows_of
from tunewise.studies.watching.progress import clean
from tunewise.studyfile.settings import StudySettings
from tunewise.studyfile.studyfile import read_study

DISAGREEMENTS = (0.1, 0.2)  # fractions of examples that one of two contenders gets right alone
WIDTH = 80
NAME = 18  # letters of a contender's name
LINE = f"{{:<{NAME}}} {{:>6}} {{:<13}}{{:>8}}{{:1}} {{:<11}} {{:>8}} {{:>10}}"  # 80 columns
KINDS = {
    "weights": "weights",
    "trainable": "weights",
    "gradients": "gradients",
    "optimizer": "optimizer",
    "activations": "activations",
    "inputs": "inputs",
    "temporary": "temporary",
    "best_epoch": "best epoch",
}
MOST_REMEDIES = 3

AsJson = Annotated[bool, typer.Option("--json", help="Everything, as JSON.")]


def command(
    study: StudyFile, overrides: Overrides, workers: Workers = None, as_json: AsJson = False
) -> None:
    """Say what a study would take and could tell, before any of it runs.

    Of each model only the configuration is needed. Memory is counted on a step on fake tensors;
    time follows from what this machine did when it was measured.
    """
    settings = read_study(study, overrides)
    found = plan(settings, workers=workers or len(usable_cores()), say=say)
    work = _workload(settings, found)
    models = proposed(work) if work else ()
    if as_json:
        fit = [asdict(model) for model in models]
        typer.echo(json.dumps(found.as_json() | {"models_that_fit": fit}, indent=2))
        return
    for line in lines(found):
        typer.echo(line)
    if work:
        typer.echo()
        for line in proposed_models.lines(models, work):
            typer.echo(line)
    refuse_too_small(found)


def _workload(settings: StudySettings, found: Plan) -> Workload | None:
    """A study as `by_size` takes it; None where its models are not all embedded, or see images."""
    task = settings.task
    own = all(model.source.startswith(EMBEDDED) for model in settings.models)
    if not settings.models or not own or task.builder.images:
        return None
    splits, texts = rows_of(settings).splits, task.reading.texts
    words, long_words, _ = word_counts(splits, texts)
    return Workload(
        form=task.builder.form,
        languages=tuple(languages_of(splits, texts)),
        rows=found.rows["train"],
        held=found.rows["validation"],
        words=words,
        long_words=long_words,
        seeds=DRAFTED_SEEDS if settings.budget else len(settings.seeds),  # else the most it takes
        workers=found.workers,
    )


def lines(found: Plan) -> Iterator[str]:
    """The plan on one screen of 80 columns."""
    head = ("contender", "trials", "trainable/all", "memory", "", "mostly", "stored", "time")
    yield LINE.format(*head).rstrip()
    for row in found.contenders:
        # A long name has a line of its own: cut, it might be another contender's.
        name = clean(row.name)
        if len(name) > NAME:
            yield name
            name = ""
        yield _row(row, name)
    together = min(found.workers, found.trials)
    yield ""
    if found.schedule is None:
        yield (
            f"{found.trials} trials, about {found.time} with {together} side by side; "
            f"{size(found.disk_bytes)} on disk."
        )
    else:
        yield f"At most {found.trials} trials; {size(found.disk_bytes)} on disk."
    if found.schedule is not None:
        yield from _schedule(found, found.schedule)
    yield from _memory(found, together)
    yield from _statistics(found)
    for row in found.contenders:
        if row.note is not None:
            yield from _note(f"{clean(row.name)}: {row.note}")
    for note in found.notes:
        yield from _note(clean(note))


def _note(text: str) -> list[str]:
    return wrap(f"note: {text}", WIDTH, subsequent_indent="  ", break_long_words=False)


def _schedule(found: Plan, schedule: Schedule) -> Iterator[str]:
    """How a budget would be spent, and the smallest difference that it can settle."""
    first = found.contenders
    asked = "" if schedule.trials is None else f"of {schedule.trials:g} trials each, about "
    yield f"Budget {asked}{duration(schedule.budget)}, of which"
    yield f"  {duration(schedule.around)} to prepare and report, features included;"
    yield f"  {up_to(*schedule.search)} to search with the first seed ({len(first)} contenders);"
    yield f"  {up_to(*schedule.round)} for each further seed of all that remain;"
    yield f"  {duration(schedule.tests)} to test each seed."
    least, most = schedule.seeds
    seeds = plural(least, "seed") if least == most else f"{least} to {most} seeds"
    yield f"Enough for {seeds} each if none is dropped, for more if some are."
    pairs = max(1, len(first) * (len(first) - 1) // 2)
    scored = found.rows.get("test", found.rows["validation"])
    settled = detectable_difference(scored, DISAGREEMENTS[0], alpha=0.05 / pairs)
    if settled is None:
        yield "It can settle no difference: there are too few examples."
    elif least < 2:
        yield "With one seed it settles nothing of the methods, only of these checkpoints."
    else:
        yield (
            f"Smallest difference it can settle: about {100 * settled:.1f} points "
            f"({pairs} pairs, seeds alike)."
        )


def _row(row: Planned, name: str) -> str:
    if row.parameters is None:
        return f"{name:<{NAME}} {row.trials:>6}"
    counts = f"{count(row.parameters['trainable'])}/{count(row.parameters['total'])}"
    if row.peak_bytes is None or row.kinds is None:
        return f"{name:<{NAME}} {row.trials:>6} {counts:<13} not predictable: see below"
    most = max(row.kinds, key=lambda kind: (row.kinds or {})[kind])
    peak, stored = size(row.peak_bytes), size(row.artefact_bytes or 0)
    mark = "" if row.fits else "!"
    cells = (name, row.trials, counts, peak, mark, KINDS[most], stored, duration(row.seconds))
    return LINE.format(*cells)


def _memory(found: Plan, together: int) -> Iterator[str]:
    set_by = "memory_limit" if found.limit_is_set else f"80 % of what is free, for {together}"
    most = max((row.peak_bytes or 0 for row in found.contenders), default=0)
    if all(row.fits for row in found.contenders):
        yield (
            f"Memory: a trial holds at most {size(most + found.libraries_bytes)} of "
            f"{size(found.limit_bytes)} ({set_by})."
        )
        return
    for row in found.contenders:
        if row.fits or row.peak_bytes is None:
            continue
        need = row.peak_bytes + found.libraries_bytes
        yield (f"! {clean(row.name)} does not fit: with the libraries it holds {size(need)}, of")
        yield f"  {size(found.limit_bytes)} ({set_by})."
        if row.remedies:
            yield "  It would fit with"
        else:
            standing = size(row.standing_bytes)
            yield f"  Weights, gradients and optimizer state alone take {standing}:"
            yield "  train fewer parameters, as lora does, or take a smaller model."
        for remedy in row.remedies[:MOST_REMEDIES]:
            yield f"    {remedy.settings}: {size(remedy.peak_bytes)} a trial"


def _statistics(found: Plan) -> Iterator[str]:
    scored = found.rows.get("test", found.rows["validation"])
    split = "test" if "test" in found.rows else "validation"
    points = [detectable_difference(scored, fraction) for fraction in DISAGREEMENTS]
    shown = [
        f"{100 * least:.1f} points (just one is right on {100 * fraction:.0f} %)"
        for least, fraction in zip(points, DISAGREEMENTS, strict=True)
        if least is not None
    ]
    yield f"Over {scored:,} {split} examples, two models are distinguishable (80 % power) from"
    yield f"  {' or '.join(shown)}." if shown else "  no difference: there are too few."
    seeds = found.schedule.seeds[0] if found.schedule else found.seeds
    if seeds < 2:
        yield "One seed: results hold for these checkpoints, not for the methods."
        return
    shift = detectable_shift(seeds - 1) / seeds**0.5
    yield f"Over {seeds} seeds, two methods are from {shift:.1f} times the standard deviation"
    yield "  of their difference over seeds, if the examples show it too."
