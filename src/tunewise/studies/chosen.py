"""The trials of the search points that count, with the seeds that are due. Pure, no torch.

Without a budget those are the study's seeds; under one, what its race has come to.
"""

from __future__ import annotations

from tunewise.store.identity import seeds_of, trial_of
from tunewise.store.race import RaceRecord
from tunewise.store.records import ContenderRecord, StudyRecord
from tunewise.studies.choose import chosen_point, point_id, search_ids
from tunewise.studies.race.race import race_of
from tunewise.studies.rate_search import Records


def seeds_due(study: StudyRecord, contender: ContenderRecord, race: RaceRecord | None) -> list[int]:
    """The seeds that a contender is trained with, as far as is known."""
    if race is None:
        return seeds_of(study, contender)
    return list(race.seeds[contender.name])


def chosen_ids(
    study: StudyRecord,
    contender: ContenderRecord,
    records: Records,
    race: RaceRecord | None = None,
) -> list[str]:
    """The trials of the chosen point, one a seed, finished or not; none before it is chosen.

    `race` is where the race of `study` stands by `records`; it is found where it is not given.
    """
    point = chosen_point(study, contender, records)
    if point is None:
        return []
    race = race or race_of(study, records)
    return [point_id(study, contender, point, seed) for seed in seeds_due(study, contender, race)]


def weights_to_drop(
    study: StudyRecord, records: Records, tests: Records, race: RaceRecord | None = None
) -> list[str]:
    """The trials whose weights nobody needs any more, by the study's `keep` setting.

    With ``chosen`` these are the points that lost, with ``none`` also the winners once they
    are tested, with ``all`` nothing.
    """
    if study.keep == "all":
        return []
    race = race or race_of(study, records)
    winners = [id for row in study.contenders for id in chosen_ids(study, row, records, race)]
    losers = [
        id
        for row in study.contenders
        if chosen_point(study, row, records) is not None
        for id in map(trial_of, search_ids(study, row, records))
        if id not in winners
    ]
    if study.keep == "none":
        tested = tests if study.plans_tests else records
        return losers + [id for id in winners if id in tested]
    return losers
