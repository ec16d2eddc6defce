"""Who gets a further seed is a function of study and records: laws over invented races."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from benchmarks.simulated_races import (
    NULL,
    STEPS,
    Invented,
    World,
    at_most,
    record,
    run,
    study_of,
    told,
)

from tunewise.store.identity import trial_id
from tunewise.store.race import RaceRecord, read_race, write_race
from tunewise.store.records import BudgetRecord, PriceRecord, StudyRecord
from tunewise.store.trial_records import TrialCosts
from tunewise.store.trials import TrialRecord
from tunewise.studies.jobs import next_jobs, progress_of
from tunewise.studies.race.account import Account, makespan, with_speed, worth
from tunewise.studies.race.clock import Clock, time_is_up
from tunewise.studies.race.race import LEAST_SEEDS, race_of

CLOSE = World((0.71, 0.70, 0.62, 0.45), validation=200, seeds=5)
APART = World((0.8, 0.4), over_seeds=0.005)
DRAWS = range(4)

Records = dict[str, TrialRecord]


def names_of(study: StudyRecord) -> dict[str, str]:
    return {
        trial_id(row.points[0].identity, seed): f"{row.name}-{seed}"
        for row in study.contenders
        for seed in study.seeds
    }


def go_on(study: StudyRecord, answers: Invented, records: Records, random: Random) -> RaceRecord:
    """Finish waiting trainings in any order until the race has ended."""
    names = names_of(study)
    while True:
        race = race_of(study, records, answers)
        assert race is not None
        waiting = [j for j in next_jobs(study, records, {}, race=race) if j.kind == "trial"]
        if not waiting:
            return race
        id = random.choice(waiting).id
        records[id] = record(study, answers, id, names[id])


def finished(world: World, draw: int, seed: int = 0) -> tuple[RaceRecord, Records, Invented]:
    study, answers = study_of(world), Invented(world, draw)
    records: Records = {}
    return go_on(study, answers, records, Random(seed)), records, answers


def budgeted(study: StudyRecord, **changes: Any) -> StudyRecord:
    assert study.budget is not None
    return replace(study, budget=replace(study.budget, **changes))


def with_models(study: StudyRecord) -> StudyRecord:
    """The study with a model for every contender but the reference."""
    rows = (replace(row, model="bert" if row.seeded else None) for row in study.contenders)
    return replace(study, contenders=tuple(rows))


@pytest.mark.parametrize("draw", DRAWS)
def test_in_whichever_order_trainings_end_the_race_is_the_same(draw: int) -> None:
    first, records, _ = finished(CLOSE, draw)
    for seed in range(1, 4):
        again, others, _ = finished(CLOSE, draw, seed)
        assert again == first and set(others) == set(records)


@pytest.mark.parametrize("draw", DRAWS)
def test_whatever_a_kill_leaves_the_race_goes_on_to_the_same_end(draw: int) -> None:
    race, records, answers = finished(CLOSE, draw)
    random = Random(draw)
    for _ in range(5):
        left = {id: one for id, one in records.items() if random.random() < 0.6}
        assert go_on(study_of(CLOSE), answers, left, random) == race
        assert set(left) == set(records)


def test_a_contender_far_behind_is_dropped_and_not_tested() -> None:
    race, records, _ = finished(APART, 0)
    (left,) = [one for one in race.left if one.contender == "c1"]
    assert left.why == "behind" and left.seeds == left.look + 1
    assert left.against is not None and left.against.best == "c0"
    assert left.against.chance < left.against.level and left.against.difference < -0.3
    assert race.ended == "decided"
    tests = next_jobs(study_of(APART), records, {}, race=race)
    assert {job.kind for job in tests} == {"test"}
    names = {names_of(study_of(APART))[job.id] for job in tests}
    assert names == {*(f"c0-{seed}" for seed in race.seeds["c0"]), "reference-0"}


@pytest.mark.parametrize("draw", DRAWS)
def test_the_test_split_stays_closed_until_the_race_is_over(draw: int) -> None:
    study, answers = study_of(CLOSE), Invented(CLOSE, draw)
    race, records, _ = finished(CLOSE, draw)
    for count in range(len(records)):
        some = dict(list(records.items())[:count])
        now = race_of(study, some, answers)
        jobs = next_jobs(study, some, {}, race=now)
        assert jobs and all(job.kind == "trial" for job in jobs)
        assert not progress_of(study, some, {}, now).complete
    assert all(job.kind == "test" for job in next_jobs(study, records, {}, race=race))


@pytest.mark.parametrize("draw", DRAWS)
def test_who_has_left_gets_no_further_seed(draw: int) -> None:
    race, _, _ = finished(CLOSE, draw)
    for one in race.left:
        assert len(race.seeds[one.contender]) == one.seeds
        assert one.contender not in race.racing
        assert one.why != "open" or one.seeds >= LEAST_SEEDS or one.contender == "reference"
    assert all(len(race.seeds[name]) == max(map(len, race.seeds.values())) for name in race.racing)


@pytest.mark.parametrize("budget", [40, 55, 80, 120])
def test_a_budget_is_kept_and_a_larger_one_only_adds(budget: float) -> None:
    small, records, answers = finished(replace(CLOSE, budget=budget), 1)
    assert small.spent <= budget
    assert small.ended == "budget" or small.spent <= budget
    large, more, _ = finished(CLOSE, 1)
    assert set(records) <= set(more) or small.left != large.left
    grown = go_on(budgeted(study_of(CLOSE), seconds=CLOSE.budget), answers, records, Random(1))
    assert grown == large


def test_where_not_all_can_have_a_further_seed_the_most_open_ones_have() -> None:
    whole, _, _ = finished(CLOSE, 1)
    rounds = makespan([1.0] * 4, 2)
    short, _, _ = finished(replace(CLOSE, budget=2 + rounds - 0.5), 1)
    assert short.looks == 1 and whole.looks > 1
    without = {one.contender for one in short.left if one.seeds == 1}
    assert "c3" in without and "c0" not in without


def test_the_clock_ends_a_race_for_all_alike_and_more_time_goes_on() -> None:
    study, answers = study_of(CLOSE), Invented(CLOSE, 1)
    race, records, _ = finished(CLOSE, 1)
    names = names_of(study)
    cut = {id: one for id, one in records.items() if names[id] not in ("c1-2", "c0-3")}
    stopped = budgeted(study, stopped=CLOSE.budget)
    ended = race_of(stopped, cut, answers)
    assert ended is not None and ended.ended == "budget" and ended.by_clock
    assert len({len(ended.seeds[name]) for name in ended.racing}) == 1
    tests = next_jobs(stopped, cut, {}, race=ended)
    assert tests and all(job.kind == "test" and job.id in cut for job in tests)
    more = budgeted(study, seconds=CLOSE.budget + 1, stopped=CLOSE.budget)
    grown = go_on(more, answers, cut, Random(0))
    assert replace(grown, budget=race.budget) == race


def test_a_search_that_the_clock_cut_short_leaves_its_contender_out() -> None:
    study, answers = study_of(APART), Invented(APART, 0)
    names = names_of(study)
    ids = {name: id for id, name in names.items()}
    known = {ids[name]: record(study, answers, ids[name], name) for name in ("c0-0", "reference-0")}
    stopped = budgeted(study, stopped=APART.budget)
    race = race_of(stopped, known, answers)
    assert race is not None and race.ended == "budget"
    jobs = next_jobs(stopped, known, {}, race=race)
    assert {names[job.id] for job in jobs} == {"c0-0", "reference-0"}
    tests = {job.id: known[job.id] for job in jobs}
    assert progress_of(stopped, known, tests, race).complete


def test_of_two_that_are_level_within_the_margin_the_cheaper_goes_on() -> None:
    twins = World((0.7, 0.7), over_seeds=0.0, own=0.0, each=0.01, margin=0.1, reference=False)
    race, _, _ = finished(twins, 0)
    (left,) = race.left
    assert (left.contender, left.why) == ("c0", "equivalent")  # the one with more parameters
    assert race.ended == "decided" and race.racing == ("c1",)
    assert "c0" not in race.dropped


def test_a_contender_whose_training_fails_leaves_and_the_others_go_on() -> None:
    study, answers = study_of(APART), Invented(APART, 0)
    names, records = names_of(study), Records()
    while True:
        race = race_of(study, records, answers)
        assert race is not None
        waiting = [j for j in next_jobs(study, records, {}, race=race) if j.kind == "trial"]
        if not waiting:
            break
        for job in waiting:
            one = record(study, answers, job.id, names[job.id])
            failed = names[job.id] == "c1-1"
            records[job.id] = replace(one, status="diverged") if failed else one
    assert [(one.contender, one.why) for one in race.left][:1] == [("c1", "failed")]
    assert race.ended == "decided"


def test_alone_there_is_nothing_to_race_for() -> None:
    race, records, _ = finished(World((0.7,), reference=False), 0)
    assert (race.ended, race.looks, len(records)) == ("decided", 0, 1)


def test_without_a_budget_there_is_no_race() -> None:
    study = replace(study_of(CLOSE), budget=None)
    assert race_of(study, {}) is None
    jobs = next_jobs(study, {}, {})
    assert [job.settings.seed for job in jobs] == [0] * 5


def test_the_speed_is_measured_once_when_every_search_is_over() -> None:
    study, answers = budgeted(study_of(APART), speed=None), Invented(APART, 0)
    names = names_of(study)

    def trained(seconds: Mapping[str, float]) -> Records:
        ids = {name: id for id, name in names.items()}
        return {
            ids[name]: replace(
                record(study, answers, ids[name], name), costs=TrialCosts(seconds={"total": took})
            )
            for name, took in seconds.items()
        }

    assert with_speed(study, trained({"c0-0": 2.0})) is study
    whole = trained({"c0-0": 2.0, "c1-0": 4.0, "reference-0": 0.0})
    measured = with_speed(study, whole)
    assert measured.budget is not None and measured.budget.speed == 3.0  # of a second each
    later = trained({"c0-0": 9.0, "c1-0": 9.0, "reference-0": 9.0})
    assert with_speed(measured, later) is measured


def test_a_training_to_come_costs_what_those_before_took() -> None:
    study = StudyRecord(budget=BudgetRecord(prices={"a": PriceRecord(0.5, 2.0, (10, 30))}))
    answers = Invented(APART, 0)
    known = {"x": record(study, answers, "x", "c0-0")}
    assert study.budget is not None
    account = Account(study, study.budget, known)
    assert account.seed_seconds("a") == 2.0 + 10 * 0.5  # as expected, not at its limit
    assert account.seed_seconds("a", ["x"]) == 2.0 + STEPS * 0.5


@pytest.mark.parametrize("trials", [1, 2, 3.5, 5])
def test_a_budget_in_trials_gives_so_many_seeds_to_all_if_none_is_dropped(trials: float) -> None:
    equals = replace(NULL, validation=200, seeds=5)
    study, answers = study_of(equals), Invented(equals, 1)
    assert study.budget is not None
    prices = {
        f"c{number}": PriceRecord(0.1, number / 3, (STEPS + number, 900), 0.7)
        for number in (0, 1, 2)
    }
    priced = replace(study.budget, prices=prices, around=20.0, clocked=False, speed=None)
    budget = replace(priced, seconds=worth(study, priced, trials) + 0.001)
    race = go_on(replace(study, budget=budget), answers, {}, Random(0))
    assert not race.dropped
    assert max(map(len, race.seeds.values())) == int(trials)
    assert race.spent <= budget.seconds


def test_time_is_up_before_tests_and_report_would_be_late() -> None:
    study, race = with_models(budgeted(study_of(APART), seconds=100.0)), RaceRecord({"c0": (0,)})
    answers = Invented(APART, 0)
    (id,) = (id for id, name in names_of(study).items() if name == "reference-0")
    known = {id: record(study, answers, id, "reference-0")}
    assert not time_is_up(study, known, race, 80.0)
    assert time_is_up(study, known, race, 90.0)
    assert not time_is_up(study, {}, race, 900.0)  # what needs no model is waited for
    assert not time_is_up(study, known, replace(race, ended="decided"), 900.0)
    assert not time_is_up(budgeted(study, clocked=False), known, race, 900.0)


def test_the_clock_counts_all_launches(tmp_path: Path) -> None:
    clock = Clock(tmp_path, 0.0)
    clock.note(every=0)
    assert Clock(tmp_path, 0.0).before == pytest.approx(clock.seconds, abs=1.0)


def test_a_race_is_read_as_it_was_written(tmp_path: Path) -> None:
    race, _, _ = finished(CLOSE, 0)
    write_race(tmp_path, race)
    assert read_race(tmp_path) == race
    path = tmp_path / "race" / "standing.json"
    path.write_text(path.read_text().replace('"looks": ', '"looks": 9'))
    assert read_race(tmp_path) is None


@pytest.mark.bench
def test_equals_are_told_apart_and_the_best_is_dropped_in_few_races() -> None:
    races = 200
    assert told(World((0.7,) * 4), races).dropped_any <= at_most(0.05, races)
    assert told(CLOSE, races).dropped_best <= at_most(0.05, races)


def test_a_race_of_the_benchmark_ends() -> None:
    assert run(APART, 0).race.ended == "decided"
