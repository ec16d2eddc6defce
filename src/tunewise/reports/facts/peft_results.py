"""What results of PEFT's method comparison allow to be said: intervals, ties, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from tunewise.core.canonical import JSONObject
from tunewise.core.format import count, listed, percent, points, probability, size
from tunewise.core.sanitize import shown
from tunewise.reports.document import Table
from tunewise.reports.facts.peft_files import ITEMS, SUCCESS, Experiment
from tunewise.statistics.corrections import holm
from tunewise.statistics.intervals import Interval, wilson
from tunewise.statistics.proportions import Proportions, two_proportions

ALPHA = 0.05
TEST = "two-proportion test, unpaired"
KEY = "95 %: Wilson. gap in points to the best; p: two-proportion test, unpaired, Holm."
UNTESTED = (
    "There are no answers to single items, so no test can pair them: the two-proportion test "
    "takes the two sets of answers as independent. They are to the same items, so it may "
    "miss differences that a paired test would show.",
    "Each experiment has one seed: nothing can be said about the methods with other seeds.",
)


@dataclass(frozen=True)
class Scored:
    """An experiment with its place. `to_best` is this minus the best; None for the best."""

    experiment: Experiment
    accuracy: float | None
    interval: Interval | None
    to_best: Proportions | None
    p_adjusted: float | None
    standing: Literal["best", "tied", "behind", "unscored"]


@dataclass(frozen=True)
class Standings:
    """All experiments, best first, those without a score last."""

    rows: tuple[Scored, ...]
    pairs_counted: int
    notes: tuple[str, ...]

    @property
    def best(self) -> Scored | None:
        return next((row for row in self.rows if row.standing == "best"), None)

    @property
    def tied(self) -> tuple[Scored, ...]:
        return tuple(row for row in self.rows if row.standing == "tied")


def standings(experiments: Sequence[Experiment]) -> Standings:
    """Rank experiments and tell which cannot be told from the best.

    The best is picked by the scores that are compared, so Holm counts every pair of them.
    """
    scored = sorted(
        (one for one in experiments if one.right is not None), key=lambda one: -(one.right or 0)
    )
    pairs = list(combinations(scored, 2))
    found = [two_proportions(b.right or 0, ITEMS, a.right or 0, ITEMS) for a, b in pairs]
    adjusted = holm([one.p for one in found]).tolist() if found else []
    to_best = {
        pair[1].name: (one, p)
        for pair, one, p in zip(pairs, found, adjusted, strict=True)
        if pair[0] is scored[0]
    }
    rows = [_scored(one, to_best.get(one.name)) for one in scored]
    rows += [
        Scored(one, None, None, None, None, "unscored") for one in experiments if one.right is None
    ]
    return Standings(tuple(rows), len(pairs), _notes(experiments, scored))


def standings_record(found: Standings) -> JSONObject:
    """Everything as JSON values."""
    return {
        "source": "peft",
        "items": ITEMS,
        "metric": "accuracy",
        "test": TEST,
        "pairs_counted": found.pairs_counted,
        "best": found.best.experiment.name if found.best else None,
        "tied": [row.experiment.name for row in found.tied],
        "contenders": [_row_record(row) for row in found.rows],
        "notes": found.notes,
    }


def standings_table(found: Standings) -> Table:
    """The rows as a table to write."""
    rows = tuple(
        (
            row.experiment.name,
            row.experiment.status,
            row.accuracy,
            *(row.interval or (None, None)),
            row.to_best.difference if row.to_best else None,
            *(row.to_best.interval if row.to_best else (None, None)),
            row.p_adjusted,
            row.standing,
            row.experiment.trained,
            row.experiment.seconds,
            row.experiment.peak_bytes,
            row.experiment.artefact_bytes,
        )
        for row in found.rows
    )
    header = (
        *("experiment", "status", "test accuracy", "low", "high"),
        *("difference", "difference low", "difference high", "p holm", "standing"),
        *("trained", "train seconds", "peak bytes", "artefact bytes"),
    )
    return Table("peft", f"PEFT's method comparison, {ITEMS:,} items of GSM8K", header, rows)


def print_standings(found: Standings, console: Console) -> None:
    """Who leads and who cannot be told from it, the table, and what it does not show."""
    console.print(Text(_headline(found), style="bold"), end="\n\n")
    console.print(_grid(found))
    console.print(Text(KEY, style="dim"))
    for note in found.notes:
        console.print(Text(f"! {note}", style="yellow"))


def _scored(one: Experiment, compared: tuple[Proportions, float] | None) -> Scored:
    right = one.right or 0
    standing: Literal["best", "tied", "behind"] = "best"
    if compared:
        standing = "behind" if compared[1] < ALPHA else "tied"
    pair, p = compared or (None, None)
    return Scored(one, right / ITEMS, wilson(right, ITEMS), pair, p, standing)


def _row_record(row: Scored) -> JSONObject:
    one = row.experiment
    return {
        "name": one.name,
        "status": one.status,
        "error": one.error,
        "right": one.right,
        "accuracy": row.accuracy,
        "interval": row.interval,
        "to_best": row.to_best._asdict() | {"p_adjusted": row.p_adjusted} if row.to_best else None,
        "standing": row.standing,
        "conditions": one.conditions,
        "parameters": one.parameters,
        "trained": one.trained,
        "measured": {
            key: value
            for key, value in asdict(one).items()
            if key in {"seconds", "peak_bytes", "artefact_bytes"}
        },
    }


def _notes(experiments: Sequence[Experiment], scored: Sequence[Experiment]) -> tuple[str, ...]:
    notes = list(UNTESTED) if len(scored) > 1 else ["Fewer than two scores: nothing to compare."]
    for what in dict.fromkeys(key for one in scored for key in one.conditions):
        values = sorted({one.conditions.get(what, "not given") for one in scored})
        if len(values) > 1:
            told = listed([shown(value)[:40] for value in values])
            notes.append(f"Not the same for all: {what} ({told}).")
    for one in experiments:
        if one.status != SUCCESS:
            error = f": {shown(one.error)[:200]}" if one.error else ""
            notes.append(f"{shown(one.name)} has no score ({shown(one.status)}){error}.")
    return tuple(notes)


def _headline(found: Standings) -> str:
    if found.best is None or found.best.accuracy is None:
        return "No experiment has a score."
    name, score = shown(found.best.experiment.name), percent(found.best.accuracy)
    sentence = f"{name} scores highest with {score} % of {ITEMS:,} items of GSM8K"
    ties = [shown(row.experiment.name) for row in found.tied]
    if not ties:
        return f"{sentence}; every other is behind." if found.pairs_counted else f"{sentence}."
    verb = "has" if len(ties) == 1 else "have"
    return (
        f"{sentence}; {len(ties)} of {len(found.rows) - 1} others {verb} not been shown to be "
        f"worse: {listed(ties, most=len(ties))}."
    )


def _grid(found: Standings) -> Grid:
    grid = Grid(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    grid.add_column("experiment", overflow="fold", min_width=14)
    for name in ("test", "95 %", "gap", "p", "trained", "peak", "time"):
        grid.add_column(name, justify="right", no_wrap=True)
    for row in found.rows:
        one = row.experiment
        name = shown(one.name) + (f" ({row.standing})" if row.standing == "tied" else "")
        cells = [
            name if one.status == SUCCESS else f"{name} ({shown(one.status)})",
            percent(row.accuracy),
            "–".join(percent(end) for end in row.interval) if row.interval else "",
            points(row.to_best.difference) if row.to_best else "",
            probability(row.p_adjusted) if row.to_best else "",
            count(one.trained),
            size(one.peak_bytes),
            "–" if one.seconds is None else f"{one.seconds / 60:.0f} min",
        ]
        style = "bold" if row.standing == "best" else ""
        grid.add_row(*(Text(cell) for cell in cells), style=style)
    return grid
