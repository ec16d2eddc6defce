"""Which search point of a contender counts, decided on validation alone. Pure, no torch."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.statistics.selection import best_point
from tunewise.store.identity import rung_id, trial_id
from tunewise.store.records import ContenderRecord, StudyRecord
from tunewise.studies.rate_search import Records, rate_progress


def point_id(
    study: StudyRecord, contender: ContenderRecord, point: int, seed: int | None = None
) -> str:
    """The id of the trial at a search point; `seed` None means the study's first."""
    return trial_id(contender.points[point].identity, study.seeds[0] if seed is None else seed)


def search_ids(study: StudyRecord, contender: ContenderRecord, records: Records) -> list[str]:
    """The records that decide: of each search point with the first seed.

    Where learning rates are measured, of each comparison that is known to be due, then of the
    rates that are left.
    """
    ids = [point_id(study, contender, point) for point in range(len(contender.points))]
    if contender.rates is None:
        return ids
    progress = rate_progress(study, contender, contender.rates, records)
    rungs = [rung_id(ids[point], step) for point, step in progress.rungs]
    return rungs + [ids[point] for point in progress.finalists]


def chosen_point(study: StudyRecord, contender: ContenderRecord, records: Records) -> int | None:
    """The position of the best search point on validation, as `ContenderRecord.chosen_by` says.

    None while a point is unfinished, and where all points failed; see `best_point`.
    """
    metric = contender.chosen_by(study.metrics[0])
    points: Sequence[int] = range(len(contender.points))
    if contender.rates is not None:
        points = rate_progress(study, contender, contender.rates, records).finalists
    found = [records.get(point_id(study, contender, point)) for point in points]
    tried = [None if one is None else (one.status == "done", one.metric(metric)) for one in found]
    best = best_point(metric, tried)
    return None if best is None else points[best]


def has_failed(study: StudyRecord, contender: ContenderRecord, records: Records) -> bool:
    """Whether every search point has been tried and none was finished."""
    return (
        all(id in records for id in search_ids(study, contender, records))
        and chosen_point(study, contender, records) is None
    )
