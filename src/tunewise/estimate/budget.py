"""A study's budget in seconds, and what each of its parts is predicted to take.

Both are settled when a study is first launched, and kept with it: what is decided later follows
from them, on whichever machine.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tunewise.core.errors import DamagedFile, InputError, Problem
from tunewise.costs.calibration import Calibration
from tunewise.estimate.plan import plan
from tunewise.estimate.plan_types import Plan
from tunewise.estimate.schedule import (
    around_seconds,
    prices_of,
    refuse_too_small,
)
from tunewise.store.records import BudgetRecord, PriceRecord, StudyRecord
from tunewise.store.study import StudyFolder, is_study
from tunewise.studies.prepare import Prepared, Say
from tunewise.studies.race.account import worth
from tunewise.studyfile.expand import expand

LARGE = 5_000_000  # parameters of a model from which on it takes minutes
MANY = 5000  # rows of train from which on a tiny one does too
LONG = 3600.0  # seconds from which on a budget is recommended
ROUNDED = 0.01  # seconds for sums of trials that are rounded otherwise than their product


def with_budget(
    prepared: Prepared,
    folder: Path,
    *,
    workers: int,
    added: float = 0.0,
    say: Say = lambda text: None,
) -> Prepared:
    """The study with its budget, where it has one; what its folder knows of it is kept.

    `added` seconds come on top of what it had, those that were added before included.

    Raises:
        InputError: it is too small for one whole training of each contender, or there is none
            that time could be added to.
    """
    allowance = prepared.settings.allowance
    if allowance is None:
        if added:
            message = "this study has no budget that could grow: give one, such as --budget 30min."
            raise InputError([Problem("--budget", message)])
        return prepared
    earlier = earlier_study(folder)
    before = earlier.budget if earlier else None
    budget = None
    if earlier:  # it is kept where its prices are those of every contender of now
        known = {row.name: row.points for row in earlier.contenders}
        same = all(known.get(row.name) == row.points for row in prepared.study.contenders)
        budget = before if same else None
    if budget is None:
        budget = _priced(prepared, before, workers, say)
    if allowance.trials is not None:
        given = round(worth(prepared.study, budget, allowance.trials) + ROUNDED, 3)
    else:
        given = allowance.seconds or 0.0
    if before is not None and abs(before.seconds - before.added - given) < 1:
        added += before.added
    budget = replace(budget, seconds=given + added, added=added, clocked=allowance.trials is None)
    return replace(prepared, study=replace(prepared.study, budget=budget))


def earlier_study(folder: Path) -> StudyRecord | None:
    """The study that a folder holds already, if it can be read."""
    try:
        return StudyFolder(folder).study() if is_study(folder) else None
    except DamagedFile:
        return None  # it is about to be written anew


def _priced(
    prepared: Prepared, before: BudgetRecord | None, workers: int, say: Say
) -> BudgetRecord:
    """Prices by a plan, for the machine that the study began on."""
    known = Calibration(**before.calibration) if before and before.calibration else None
    workers = before.workers if before else workers
    say("Predicting what each contender takes ...")
    found = plan(prepared.settings, workers=workers, calibration=known, prepared=prepared)
    refuse_too_small(found)
    expansion = expand(prepared.settings)
    prices = prices_of(expansion, found)
    return BudgetRecord(
        workers=workers,
        prices={
            name: PriceRecord(
                round(price.step, 6), round(price.around, 4), price.steps, round(price.test, 4)
            )
            for name, price in prices.items()
        },
        around=round(around_seconds(expansion, found), 3),
        calibration=found.calibration,
        speed=before.speed if before else None,
        stopped=before.stopped if before else None,
    )


def worth_a_plan(prepared: Prepared) -> bool:
    """Not of tiny models and little data: they are done before the prediction would be."""
    counted = [row.parameters.total for row in prepared.study.contenders if row.parameters]
    tiny = max(counted, default=0) < LARGE and prepared.study.data.rows.get("train", 0) < MANY
    return bool(counted) and not tiny


def expected(planned: Plan) -> list[str]:
    """How long a study without a budget takes, and above an hour what a budget would do."""
    lines = [f"This takes about {planned.time} with {planned.workers} trials side by side."]
    if planned.seconds > LONG:
        lines.append(
            "With a budget, such as --budget 30min, seeds are added only where they can change the "
            "verdict, and contenders that are behind are dropped."
        )
    return lines
