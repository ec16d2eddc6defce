"""The contenders of a study as lines of text, each with what it takes."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.core.format import plural
from tunewise.store.records import ContenderRecord
from tunewise.training.settings import SOLVER


def contender_lines(
    contenders: Sequence[ContenderRecord], seeds: int, notes: Sequence[str]
) -> tuple[str, ...]:
    """A line for each contender, then the sum and the notes."""
    width = max(len(row.name) for row in contenders)
    # Trainings to their end: each point once, then the best with the other seeds.
    trials = [
        (1 if row.rates else len(row.points)) + (seeds - 1 if row.seeded else 0)
        for row in contenders
    ]
    lines = [
        f"{row.name:<{width}}  {plural(number, 'trial')}{_tuned(row)}{_trained(row)}"
        for row, number in zip(contenders, trials, strict=True)
    ]
    total = f"{plural(len(lines), 'contender')}, {plural(sum(trials), 'trial')}"
    return (*lines, f"{total}, {plural(seeds, 'seed')}.", *notes)


def _tuned(row: ContenderRecord) -> str:
    if not row.search or row.rates:
        return ""
    names = ", ".join(path.partition(".")[2] for path in row.search)
    return f", best of {len(row.points)} by {names}"


def _trained(row: ContenderRecord) -> str:
    """How: solved, or by steps with learning rates that are named or measured."""
    training = [point.settings.training for point in row.points if point.settings.training]
    if not training:
        return ""
    if training[0]["optimizer"] == SOLVER:
        return ", solved"
    rates = [settings["learning_rate"] for settings in training]
    if row.rates:
        begun = rates[max(0, row.rates.prior - row.rates.around) :][: 2 * row.rates.around + 1]
        return f", learning rate measured from {begun[0]:g} to {begun[-1]:g}"
    listing = ", ".join(f"{rate:g}" for rate in dict.fromkeys(rates) if rate is not None)
    return f", learning rate {listing}"
