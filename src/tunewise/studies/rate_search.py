"""Which learning rate a contender is trained with, measured on the way there. Pure, no torch.

All rates begin the same training, on the same batches with the same seed. At a rung, a step that is
a fraction of the search length, they are compared by their losses on validation, as the task has
them compared (`Task.comparable_losses`). Those that fall behind stop, the others resume from their
checkpoints. The one that is left is trained to its end, and its result is that of the same trial
run alone.

Few steps favor large rates: what falls fastest at first is often above what is best in the end. So
with the best rate of the first rung the next one below it goes on, whatever its loss, and not the
second best. And a difference within its noise over the validation examples decides nothing: the
rate nearer to the prior stays, and at the first rung both go on.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from tunewise.statistics.noise import is_lower
from tunewise.store.identity import rung_id, trial_id
from tunewise.store.records import ContenderRecord, RateSearch, StudyRecord
from tunewise.store.trials import TrialRecord

RUNGS = (1 / 9, 1 / 3)  # of the search length
LEAST_STEPS = 20  # of a rung: fewer rungs rather than shorter ones
MOST_EXTENSIONS = 2  # of the grid, beyond an edge where the best rate lies

Records = Mapping[str, TrialRecord]
"""What has ended, by the id of the trial or of a step on its way."""


@dataclass(frozen=True)
class RateProgress:
    """How far the search is.

    `rungs` are the point and step of each comparison made or due, `waiting` those of them that
    have no record yet. `finalists` are the points that are trained whole, none before the search
    is over.
    """

    rungs: tuple[tuple[int, int], ...]
    waiting: tuple[tuple[int, int], ...]
    finalists: tuple[int, ...]


def rungs_of(search_steps: int) -> tuple[int, ...]:
    """The steps at which rates are compared.

    >>> rungs_of(900), rungs_of(90), rungs_of(50)
    ((100, 300), (30,), ())
    """
    steps = (math.floor(fraction * search_steps) for fraction in RUNGS)
    return tuple(step for step in steps if step >= LEAST_STEPS)


def rate_progress(
    study: StudyRecord, contender: ContenderRecord, search: RateSearch, records: Records
) -> RateProgress:
    """The comparisons that are due, or the rates that are left, by the records that there are."""
    ids = [trial_id(point.identity, study.seeds[0]) for point in contender.points]
    lowest, highest = search.prior - search.around, search.prior + search.around
    alive = list(range(max(0, lowest), min(len(ids), highest + 1)))
    seen: list[tuple[int, int]] = []
    for number, step in enumerate(search.rungs):
        extensions = 0
        while True:
            seen += [(point, step) for point in alive if (point, step) not in seen]
            found = {point: records.get(rung_id(ids[point], step)) for point in alive}
            if waiting := [(point, step) for point in alive if found[point] is None]:
                return RateProgress(tuple(seen), tuple(waiting), ())
            order = ranked({p: one for p, one in found.items() if one}, search.prior)
            beyond = _beyond(order[0], alive, len(ids)) if number == 0 else None
            if beyond is None or extensions == MOST_EXTENSIONS:
                break
            alive = sorted([*alive, beyond])
            extensions += 1
        alive = sorted(_going_on(order, found, keep=len(search.rungs) - number))
    return RateProgress(tuple(seen), (), tuple(alive))


def _beyond(best: int, alive: Collection[int], points: int) -> int | None:
    """The point next to the best one beyond the edge, where it lies at one."""
    for edge, beyond in ((min(alive), best - 1), (max(alive), best + 1)):
        if best == edge and 0 <= beyond < points:
            return beyond
    return None


def _going_on(
    order: Sequence[int], found: Mapping[int, TrialRecord | None], *, keep: int
) -> list[int]:
    """The best one; and of two the one below it, unless it had to yield to one nearer the prior."""
    best, second = order[0], order[1:2]
    below = found.get(best - 1)
    yielded = second and _mean_loss(found[second[0]]) < _mean_loss(found[best])
    if keep == 2 and not yielded and _mean_loss(below) < math.inf:
        return [best, best - 1]
    return list(order[:keep])


def _mean_loss(one: TrialRecord | None) -> float:
    """On validation; infinite where the training diverged, failed or never began."""
    losses = _losses(one)
    return fmean(losses) if losses else math.inf


def _losses(one: TrialRecord | None) -> Sequence[float]:
    return (one.result.losses or ()) if one is not None and one.status == "done" else ()


def ranked(found: Mapping[int, TrialRecord], prior: int) -> list[int]:
    """Points from the best on: by validation loss, of equal ones the nearer to the prior.

    The best is the nearest to the prior of those that the lowest loss does not undercut by more
    than its noise. One that diverged or failed comes last.
    """
    order = sorted(found, key=lambda point: (_mean_loss(found[point]), abs(point - prior)))
    lowest = _losses(found[order[0]])
    level = [
        point
        for point in order[1:]
        if (losses := _losses(found[point])) and not is_lower(lowest, losses)
    ]
    best = min([order[0], *level], key=lambda point: (abs(point - prior), order.index(point)))
    return [best, *(point for point in order if point != best)]
