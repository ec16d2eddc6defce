"""Ours minus the expert's, example by example: differences, intervals, and the bounds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from reference.cases import Absent, Case
from reference.contenders import tested
from reference.records import ExpertResult, read_results
from reference.trainer import RATES, chosen_rate

from tunewise.core.errors import InputError
from tunewise.core.format import interval, percent, points
from tunewise.statistics.metrics import metric_named
from tunewise.statistics.score_matrix import RowScores, group_by_examples

COUNTERPARTS = {"tfidf": "tfidf", "head": "embeddings", "lora": "lora", "full": "full"}
"""Ours, and what an expert has for it."""
BOUNDS = {"tfidf": -0.01, "head": 0.0, "lora": -0.01, "full": -0.01}
"""The lowest median difference that is good enough, as a fraction."""
FAR_BELOW = -0.03
RESAMPLES = 10_000
COLUMNS = "{:<19} {:>5}  {:>6} {:>6}  {:>6}  {:<17} {}"


@dataclass(frozen=True)
class Compared:
    """One contender in one case; accuracies are fractions, means over seeds.

    `interval` is of the difference, at 95 %, over the draw of test examples.
    """

    dataset: str
    rows: int
    contender: str
    counterpart: str
    ours: float
    expert: float
    difference: float
    interval: tuple[float, float]
    seeds: int
    expert_seeds: int
    expert_rates: int
    examples: int

    @property
    def far_below(self) -> bool:
        return self.interval[1] < FAR_BELOW


@dataclass(frozen=True)
class Judged:
    """One contender over all its cases."""

    contender: str
    cases: int
    median: float
    bound: float
    far_below: tuple[str, ...]

    @property
    def missed(self) -> bool:
        return self.median < self.bound or bool(self.far_below)


def compare(case: Case, results: Path, runs: Path) -> tuple[list[Compared], list[str]]:
    """Each of our contenders that an expert's result stands against, and what is incomplete.

    Raises:
        Absent: Tunewise has not run the case, or the two sides had other rows.
    """
    try:
        ours = tested(runs, case)
    except InputError as error:
        raise Absent("Tunewise has not run it") from error
    found = read_results(results, case)
    if any(result.data != ours.data for result in found):
        raise Absent("the expert had other rows: measure one side anew")
    compared = []
    notes = [f"{name} is {status}" for name, status in ours.unfinished.items()]
    for row in ours.rows:
        counterpart = COUNTERPARTS.get(row.name)
        theirs = [one for one in found if one.contender == counterpart]
        if theirs:
            compared.append(paired(case, row, theirs))
            notes += incomplete(compared[-1])
        elif counterpart:
            notes.append(f"the expert has no {counterpart} yet")
    return compared, notes


def incomplete(one: Compared) -> list[str]:
    """Says how many of the expert's rates have been tried, where it is not all."""
    rates = RATES.get(one.counterpart, ())
    if one.expert_rates >= len(rates):
        return []
    return [f"the expert's {one.counterpart} has {one.expert_rates} of {len(rates)} rates so far"]


def at_chosen_rate(results: Sequence[ExpertResult]) -> list[ExpertResult]:
    """One result for each seed: those of the chosen rate, where rates were tried."""
    if all(result.learning_rate is None for result in results):
        return list(results)
    rate = chosen_rate(results)
    return [result for result in results if result.learning_rate == rate]


def paired(case: Case, row: RowScores, theirs: Sequence[ExpertResult]) -> Compared:
    """The difference of the means over seeds, resampled over the examples of both."""
    chosen = at_chosen_rate(theirs)
    choices = {result.seed or 0: result.choices for result in chosen}
    expert = RowScores("expert", row.ids, row.labels, choices)
    rng = np.random.default_rng(0)
    metric = metric_named("accuracy")
    [group] = group_by_examples([row, expert], metric, rng=rng, resamples=RESAMPLES)
    mix = group.mean_of(row) - group.mean_of(expert)
    found = group.drawn.interval(mix)
    assert found is not None  # an accuracy is defined in every resample
    return Compared(
        case.dataset,
        case.rows,
        row.name,
        theirs[0].contender,
        float(group.scores(row).mean()),
        float(group.scores(expert).mean()),
        group.drawn.mixed(mix),
        (found.low, found.high),
        len(row.seeds),
        len(chosen),
        len({result.learning_rate for result in theirs}),
        len(row.ids),
    )


def judged(compared: Sequence[Compared]) -> list[Judged]:
    """The median of each contender, and the cases far below the expert."""
    found = []
    for contender, bound in BOUNDS.items():
        cases = [one for one in compared if one.contender == contender]
        if cases:
            middle = statistics.median(one.difference for one in cases)
            below = tuple(f"{one.dataset}-{one.rows}" for one in cases if one.far_below)
            found.append(Judged(contender, len(cases), middle, bound, below))
    return found


def printed(compared: Sequence[Compared], judgements: Sequence[Judged]) -> str:
    """One table for each contender, in 80 columns; accuracies in percent, differences in points."""
    lines = []
    for judgement in judgements:
        cases = [one for one in compared if one.contender == judgement.contender]
        title = f"{judgement.contender} against the expert's {cases[0].counterpart}"
        heads = COLUMNS.format("", "rows", "ours", "expert", "diff", "95 % interval", "")
        lines += [title, heads.rstrip()]
        lines += [_line(one) for one in cases]
        bound = f"bound {points(judgement.bound)}{', missed' if judgement.missed else ''}"
        median = f"median of {judgement.cases}: {points(judgement.median)} ({bound})"
        lines += [f"{median}; {len(judgement.far_below)} far below", ""]
    return "\n".join(
        [*lines, "far below: the interval lies wholly more than 3 points below the expert"]
    )


def _line(one: Compared) -> str:
    return COLUMNS.format(
        one.dataset,
        f"{one.rows:,}",
        percent(one.ours),
        percent(one.expert),
        points(one.difference),
        interval(one.interval),
        "far below" if one.far_below else "",
    ).rstrip()
