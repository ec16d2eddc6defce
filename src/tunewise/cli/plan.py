"""``tunewise plan``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated

import typer

from tunewise.cli.console import say
from tunewise.cli.options import Overrides, StudyFile, Workers
from tunewise.core.units import shown_bytes
from tunewise.estimate.plan import plan
from tunewise.estimate.plan_types import Plan, Planned
from tunewise.statistics.power import detectable_difference, detectable_shift
from tunewise.studies.pool import usable_cores
from tunewise.studies.progress import clean, duration
from tunewise.studyfile.studyfile import read_study

DISAGREEMENTS = (0.1, 0.2)  # shares of items that one of two contenders gets right alone
NAME = 18  # letters of a contender's name
KINDS = {
    "weights": "weights",
    "trainable": "weights",
    "gradients": "gradients",
    "optimizer": "optimiser",
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

    Of each model only the configuration is needed. Memory is counted on a step without numbers;
    time follows from what this machine did when it was measured.
    """
    settings = read_study(study, overrides)
    found = plan(settings, workers=workers or len(usable_cores()), say=say)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
        return
    for line in lines(found):
        typer.echo(line)


def lines(found: Plan) -> Iterator[str]:
    """The plan on one screen of 80 columns."""
    head = f"{'contender':<{NAME}} trials  {'trained of all':<15} memory"
    yield f"{head}  mostly       stored    time"
    for row in found.contenders:
        yield _row(row)
    together = min(found.workers, found.trials)
    yield ""
    yield (
        f"{found.trials} trials, about {duration(found.seconds)} with {together} side by side; "
        f"{shown_bytes(found.disk_bytes)} on disk."
    )
    yield from _memory(found, together)
    yield from _statistics(found)
    for row in found.contenders:
        if row.note is not None:
            yield f"note: {clean(row.name)}: {row.note}"
    for note in found.notes:
        yield f"note: {clean(note)}"


def _row(row: Planned) -> str:
    name = _cut(clean(row.name), NAME)
    if row.parameters is None:
        return f"{name:<{NAME}} {row.trials:>6}"
    trained = f"{_count(row.parameters['trainable'])} of {_count(row.parameters['total'])}"
    start = f"{name:<{NAME}} {row.trials:>6}  {trained:<15}"
    if row.peak_bytes is None or row.kinds is None:
        return f"{start} not predictable: see below"
    most = max(row.kinds, key=lambda kind: (row.kinds or {})[kind])
    mark = "" if row.fits else "!"
    return (
        f"{start}{shown_bytes(row.peak_bytes):>7}{mark:1} {KINDS[most]:<11} "
        f"{shown_bytes(row.artefact_bytes or 0):>7} {_time(row.seconds):>7}"
    )


def _memory(found: Plan, together: int) -> Iterator[str]:
    set_by = "memory_limit" if found.limit_is_set else f"80 % of what is free, for {together}"
    most = max((row.peak_bytes or 0 for row in found.contenders), default=0)
    if all(row.fits for row in found.contenders):
        yield (
            f"Memory: a trial holds at most {shown_bytes(most + found.libraries_bytes)} of "
            f"{shown_bytes(found.limit_bytes)} ({set_by})."
        )
        return
    for row in found.contenders:
        if row.fits or row.peak_bytes is None:
            continue
        need = row.peak_bytes + found.libraries_bytes
        yield (
            f"! {_cut(clean(row.name), NAME)} does not fit: with the libraries it holds "
            f"{shown_bytes(need)}, of"
        )
        yield f"  {shown_bytes(found.limit_bytes)} ({set_by})."
        if row.remedies:
            yield "  It would fit with"
        else:
            standing = shown_bytes(row.standing_bytes)
            yield f"  Weights, gradients and optimiser state alone take {standing}:"
            yield "  train fewer numbers, as lora does, or take a smaller model."
        for remedy in row.remedies[:MOST_REMEDIES]:
            yield f"    {remedy.settings}: {shown_bytes(remedy.peak_bytes)} a trial"


def _statistics(found: Plan) -> Iterator[str]:
    items = found.rows.get("test", found.rows["validation"])
    split = "test" if "test" in found.rows else "validation"
    points = [detectable_difference(items, share) for share in DISAGREEMENTS]
    shown = [
        f"{100 * least:.1f} points (just one is right on {100 * share:.0f} %)"
        for least, share in zip(points, DISAGREEMENTS, strict=True)
        if least is not None
    ]
    yield f"Over {items:,} {split} items, two models are told apart (80 % power) from"
    yield f"  {' or '.join(shown)}." if shown else "  no difference: there are too few."
    if found.seeds < 2:
        yield "One seed: it can speak of these trained models, not of the methods."
        return
    shift = detectable_shift(found.seeds - 1) / found.seeds**0.5
    yield f"Over {found.seeds} seeds, two methods are from {shift:.1f} times the standard deviation"
    yield "  of their difference over seeds, if the items show it too."


def _time(seconds: float) -> str:
    """At most ten letters."""
    return duration(seconds) if seconds < 36_000 else f"{seconds / 3600:.0f} h"


def _count(number: int) -> str:
    """A count in three letters or four: 812, 45 k, 1.2 M.

    >>> [_count(number) for number in (812, 45_300, 1_240_000, 110_000_000)]
    ['812', '45 k', '1.2 M', '110 M']
    """
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            value = number / size
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    return str(number)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
