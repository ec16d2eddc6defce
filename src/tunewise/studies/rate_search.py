"""Which learning rate a contender is trained with, measured on the way there. Pure, no torch.

All rates begin the same training, on the same batches with the same seed. At a rung, a step that is
a fraction of the search length, they are compared by validation loss; those that fall behind
stop, the others resume from their checkpoints. The one that is left is trained to its end, and its
result is that of the same trial run alone.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import fmean

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
    alive = list(_initial(search, len(ids)))
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
        alive = sorted(order[: len(search.rungs) - number])
    return RateProgress(tuple(seen), (), tuple(alive))


def _initial(search: RateSearch, points: int) -> range:
    return range(
        max(0, search.prior - search.around), min(points, search.prior + search.around + 1)
    )


def _beyond(best: int, alive: Collection[int], points: int) -> int | None:
    """The point next to the best one beyond the edge, where it lies at one."""
    for edge, beyond in ((min(alive), best - 1), (max(alive), best + 1)):
        if best == edge and 0 <= beyond < points:
            return beyond
    return None


def ranked(found: Mapping[int, TrialRecord], prior: int) -> list[int]:
    """Points from the best on: by validation loss, of equal ones the nearer to the prior.

    One that diverged or failed comes last.
    """

    def rank(point: int) -> tuple[float, int]:
        one = found[point]
        losses = one.result.losses if one.status == "done" else None
        return fmean(losses) if losses else math.inf, abs(point - prior)

    return sorted(found, key=rank)
