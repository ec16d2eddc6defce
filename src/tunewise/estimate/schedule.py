"""What a budget is enough for: the price of each contender, and how many rounds of seeds fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from tunewise.core.errors import InputError, Problem
from tunewise.core.format import duration, listed
from tunewise.core.units import written_budget
from tunewise.estimate.plan_types import Plan, Planned, Schedule
from tunewise.estimate.seconds import START_SECONDS, search_jobs, steps_of
from tunewise.store.records import PriceRecord
from tunewise.studies.race.account import makespan
from tunewise.studyfile.expand import Expansion, PlannedContender
from tunewise.studyfile.settings import StudySettings

PLACE = "budget"
AROUND_SECONDS = 20.0  # reading and checking the data, loading libraries, writing the report
SPARE_SECONDS = 60.0  # of what is asked for in the place of a budget that is too small


def prices_of(expansion: Expansion, planned: Plan) -> dict[str, PriceRecord]:
    """What a step, a training and a test of each contender take, by name."""
    rows, tested = planned.rows["train"], planned.rows.get("test", 0) / planned.rows["validation"]
    found = {row.name: row for row in planned.contenders}
    return {one.name: _price(one, found[one.name], rows, tested) for one in expansion.contenders}


def around_seconds(expansion: Expansion, planned: Plan) -> float:
    """Of a study apart from its trials: preparing it, stored features, the report."""
    models = {one.name: str(one.model) for one in expansion.contenders}
    frozen: dict[str, float] = {}
    for row in planned.contenders:
        frozen[models[row.name]] = max(frozen.get(models[row.name], 0.0), row.features_seconds)
    return AROUND_SECONDS + makespan(list(frozen.values()), planned.workers)


def schedule_of(settings: StudySettings, expansion: Expansion, planned: Plan) -> Schedule | None:
    """How the budget would be spent; None without one.

    One in trials is as many seconds as they are predicted to take, the search and all else
    included.
    """
    allowance = settings.allowance
    if allowance is None:
        return None
    prices, workers = prices_of(expansion, planned), planned.workers
    rows, by_name = planned.rows["train"], {row.name: row for row in planned.contenders}
    seeded = [
        one.name
        for one in expansion.contenders
        if one.method.seeded and not by_name[one.name].solved
    ]
    around = around_seconds(expansion, planned)
    jobs = [
        {
            one.name: search_jobs(one, by_name[one.name], rows, longest=longest)
            for one in expansion.contenders
        }
        for longest in (False, True)
    ]
    search = [makespan([s for each in one.values() for s in each], workers) for one in jobs]
    rounds = [
        _round(prices, seeded, workers, lambda price: price.steps[0]),
        _round(prices, seeded, workers, lambda price: price.steps[-1]),
    ]
    tests = makespan([price.test for price in prices.values()], workers)
    trials = allowance.trials or 1.0
    asked = around + search[0] + tests + (trials - 1) * (rounds[0] + tests)
    budget = allowance.seconds or asked
    fitting = [
        1 + math.floor(max(0.0, budget - around - first - tests) / max(each + tests, 0.1))
        for first, each in zip(search, rounds, strict=True)
    ]
    if allowance.trials is not None:
        fitting = [math.floor(allowance.trials)] * 2
    most, least = (min(count, len(settings.seeds)) for count in fitting)
    parts = {name: (sum(each) + prices[name].test) / workers for name, each in jobs[0].items()}
    return Schedule(
        budget,
        around,
        (search[0], search[1]),
        (rounds[0], rounds[1]),
        tests,
        (least, most),
        needed=around + search[0] + tests,
        parts=parts,
        trials=allowance.trials,
    )


def _round(
    prices: Mapping[str, PriceRecord],
    seeded: Sequence[str],
    workers: int,
    steps: Callable[[PriceRecord], float],
) -> float:
    whole = [prices[name] for name in seeded]
    return makespan([price.around + steps(price) * price.step for price in whole], workers)


def _price(one: PlannedContender, row: Planned, rows: int, tested: float) -> PriceRecord:
    test = START_SECONDS + tested * row.answering_seconds
    training = one.points[0].training
    if training is None or row.solved:
        return PriceRecord(around=row.seconds, test=test)
    expected, most = steps_of(training, rows)
    around = min(row.seconds, START_SECONDS + row.answering_seconds)
    steps = (expected, most) if expected < most else (most,)
    return PriceRecord((row.seconds - around) / expected, around, steps, test)


def refuse_too_small(found: Plan) -> None:
    """Refuse a budget in which no contender set can be trained once.

    Raises:
        InputError: it says how much is needed, and what could be left out.
    """
    schedule = found.schedule
    if schedule is None or schedule.needed <= schedule.budget:
        return
    raise InputError([Problem(PLACE, " ".join(too_small(schedule)))])


def too_small(schedule: Schedule) -> tuple[str, str]:
    """What is wrong with a budget that is not enough, and what would be right."""
    names = schedule.without()
    instead = f" Or leave out {listed(names)}." if names else ""
    says = (
        f"{duration(schedule.budget)} is too little: to measure the learning rates of "
        f"{len(schedule.parts)} contenders, train each once and test it takes about "
        f"{duration(schedule.needed)} on this machine."
    )
    return says, f"Give budget: {written_budget(schedule.needed + SPARE_SECONDS)}.{instead}"
