"""Reading a study folder: the one place where reports do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tunewise.analysis.evidence import AtRung, Contender, Evidence, Point, Trial
from tunewise.statistics.selection import best_point
from tunewise.store.identity import rung_id, seeds_of, trial_id
from tunewise.store.places import Places
from tunewise.store.race import RaceRecord, read_race
from tunewise.store.records import ContenderRecord, StudyRecord
from tunewise.store.study import WHOLE, StudyFolder
from tunewise.store.trials import TrialRecord

Records = Mapping[str, TrialRecord]  # by the id of the trial


def gather(folder: StudyFolder) -> Evidence:
    """Read a study folder. Interrupted trials do not count; failed ones do.

    What it says of the machine it ran on is left out: see `Places`.
    """
    study, records, tests = folder.study(), folder.records(), folder.tests()
    read = [*records.values(), *tests.values()]
    parts = [study, *(each.result for each in read), *(each.costs for each in read)]
    places = Places([part.as_json() for part in parts])
    study = places.record(study)
    records, tests = _public(records, places), _public(tests, places)
    race = None
    if study.budget is not None:
        begun = {row.name: study.seeds[:1] for row in study.contenders}
        race = read_race(folder.path) or RaceRecord(begun)
    contenders = tuple(
        _contender(study, position, described, records, tests, race=race)
        for position, described in enumerate(study.contenders)
    )
    return Evidence(folder.path, study, contenders, places, tuple(folder.faults(WHOLE)), race)


def _public(records: Records, places: Places) -> dict[str, TrialRecord]:
    return {
        id: replace(record, result=places.record(record.result), costs=places.record(record.costs))
        for id, record in records.items()
    }


def _contender(
    study: StudyRecord,
    position: int,
    described: ContenderRecord,
    records: Records,
    tests: Records,
    *,
    race: RaceRecord | None,
) -> Contender:
    name, seeds, dropped, left = described.name, seeds_of(study, described), False, None
    if race is not None:
        seeds, dropped = list(race.seeds.get(name, study.seeds[:1])), name in race.dropped
        left = next((one for one in race.left if one.contender == name), None)
    points = []
    for place in described.points:
        ids = {seed: trial_id(place.identity, seed) for seed in seeds}
        ran = (Trial(seed, records[id], tests.get(id)) for seed, id in ids.items() if id in records)
        points.append(Point(place.chosen, tuple(ran), place.settings))
    if described.rates is not None:  # those that stopped on the way are no search points
        points = [one for one in points if one.trials] or [points[described.rates.prior]]
    # The point that counts, chosen by the same rule as while the study runs.
    metric = described.chosen_by(study.metrics[0])
    first = [next((t for t in point.trials if t.seed == seeds[0]), None) for point in points]
    tried = [None if one is None else (one.done, one.record.metric(metric)) for one in first]
    best = best_point(metric, tried)
    chosen = None if best is None else points[best]
    rates = {one.settings.training.get("learning_rate") for one in described.points}
    if described.rates is not None:
        rates = {chosen.settings.training["learning_rate"]} if chosen else set()
    counted = (trial.record.result.parameters for point in points for trial in point.trials)
    return Contender(
        described,
        position,
        points=tuple(points),
        chosen=chosen,
        seeds_planned=len(seeds),
        tested=bool(study.data.has_test) and not dropped,
        parameters=next((one for one in counted if one), described.parameters),
        learning_rate=rates.pop() if len(rates) == 1 else None,
        rungs=_rungs(described, seeds[0], records),
        left=left,
        over=race is not None and race.ended is not None,
    )


def _rungs(described: ContenderRecord, seed: int, records: Records) -> tuple[AtRung, ...]:
    """Each learning rate at each step where rates were compared and it was still running."""
    return tuple(
        AtRung(point.settings.training["learning_rate"], step, records[id])
        for step in (described.rates.rungs if described.rates else ())
        for point in described.points
        if (id := rung_id(trial_id(point.identity, seed), step)) in records
    )
