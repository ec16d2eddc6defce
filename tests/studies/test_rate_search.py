"""Which learning rates go on, as a function of what has been compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tunewise.store.identity import rung_id, trial_id
from tunewise.store.records import ContenderRecord, DataRecord, PointRecord, RateSearch, StudyRecord
from tunewise.store.trial_records import TrialCosts, TrialResult
from tunewise.store.trials import TrialRecord
from tunewise.studies.choose import chosen_point, has_failed, search_ids
from tunewise.studies.chosen import weights_to_drop
from tunewise.studies.jobs import next_jobs
from tunewise.studies.rate_search import RateProgress, rate_progress, rungs_of

POINTS = 9
PRIOR = 4
RUNGS = (20, 60)
SEARCH = RateSearch(PRIOR, 2, RUNGS)
ROW = ContenderRecord(
    "lora",
    rates=SEARCH,
    points=tuple(PointRecord({"rate": n}, identity={"rate": n}) for n in range(POINTS)),
)
STUDY = StudyRecord("s", seeds=(0, 1), metrics=("accuracy",), contenders=(ROW,), data=DataRecord())
IDS = [trial_id({"rate": n}, 0) for n in range(POINTS)]

Losses = Mapping[tuple[int, int], float | None]
"""By point and step; None where the training diverged."""


def record(id: str, loss: float | None) -> TrialRecord:
    status = "done" if loss is not None else "diverged"
    losses = None if loss is None else (loss, loss)
    result = TrialResult(
        id, status=status, losses=losses, metrics={"validation": {"accuracy": 0.5}}
    )
    return TrialRecord(id, status, result, TrialCosts(), Path(id))


def records(losses: Losses) -> dict[str, TrialRecord]:
    named = {rung_id(IDS[point], step): loss for (point, step), loss in losses.items()}
    return {id: record(id, loss) for id, loss in named.items()}


def progress(losses: Losses, search: RateSearch = SEARCH) -> RateProgress:
    return rate_progress(STUDY, ROW, search, records(losses))


def at(step: int, losses: Mapping[int, float | None]) -> dict[tuple[int, int], float | None]:
    return {(point, step): loss for point, loss in losses.items()}


FIRST = at(20, {2: 0.9, 3: 0.7, 4: 0.5, 5: 0.6, 6: 0.8})


@pytest.mark.parametrize(
    ("steps", "rungs"), [(900, (100, 300)), (180, (20, 60)), (179, (59,)), (60, (20,)), (50, ())]
)
def test_a_rung_has_twenty_steps_or_is_none(steps: int, rungs: tuple[int, ...]) -> None:
    assert rungs_of(steps) == rungs


def test_five_rates_around_the_prior_begin() -> None:
    found = progress({})
    assert found.waiting == tuple((point, 20) for point in (2, 3, 4, 5, 6))
    assert found.finalists == ()


def test_nothing_is_decided_before_all_have_come_to_the_rung() -> None:
    some = dict(list(FIRST.items())[:4])
    assert progress(some).waiting == ((6, 20),)


def test_the_best_and_the_one_below_it_go_on_and_then_one() -> None:
    """Few steps favor large rates: the second best, above the best, is not the one to keep."""
    assert progress(FIRST).waiting == ((3, 60), (4, 60))
    second = FIRST | at(60, {3: 0.3, 4: 0.4})
    assert progress(second).finalists == (3,)


def test_of_losses_that_differ_by_no_more_than_noise_the_nearer_to_the_prior_is_best() -> None:
    noisy = {2: (0.9, 0.9), 3: (0.8, 0.8), 4: (0.7, 0.7), 5: (0.3, 0.8), 6: (0.9, 0.9)}
    found = records(at(20, dict.fromkeys(noisy, 0.0)))
    for point, losses in noisy.items():
        id = rung_id(IDS[point], 20)
        found[id] = replace(found[id], result=replace(found[id].result, losses=losses))
    assert rate_progress(STUDY, ROW, SEARCH, found).waiting == ((4, 60), (5, 60))
    alone = replace(SEARCH, rungs=(20,))
    assert rate_progress(STUDY, ROW, alone, found).finalists == (4,)


def test_a_best_rate_at_the_edge_adds_one_beyond_it_at_most_twice() -> None:
    rising = at(20, {2: 0.9, 3: 0.8, 4: 0.7, 5: 0.6, 6: 0.5})
    assert progress(rising).waiting == ((7, 20),)
    rising |= at(20, {7: 0.4})
    assert progress(rising).waiting == ((8, 20),)
    rising |= at(20, {8: 0.3})
    assert progress(rising).waiting == ((7, 60), (8, 60))


def test_an_edge_that_is_not_better_ends_the_extension() -> None:
    rising = at(20, {2: 0.9, 3: 0.8, 4: 0.7, 5: 0.6, 6: 0.5, 7: 0.6})
    assert progress(rising).waiting == ((5, 60), (6, 60))


def test_a_rate_that_diverged_is_out() -> None:
    found = at(20, {2: 0.9, 3: 0.7, 4: 0.5, 5: None, 6: None})
    assert progress(found).waiting == ((3, 60), (4, 60))
    lowest = at(20, {2: 0.5, 3: 0.7, 4: None, 5: None, 6: None, 1: 0.8})
    assert progress(lowest).waiting == ((1, 60), (2, 60))
    below_diverged = at(20, {2: 0.9, 3: None, 4: 0.5, 5: 0.6, 6: 0.8})
    assert progress(below_diverged).waiting == ((4, 60), (5, 60))


def test_of_equal_losses_the_nearer_to_the_prior_goes_on() -> None:
    level = at(20, dict.fromkeys((2, 3, 4, 5, 6), 0.7))
    assert progress(level).waiting[0] == (3, 60) and (4, 60) in progress(level).waiting
    level |= at(60, {3: 0.5, 4: 0.5})
    assert progress(level).finalists == (4,)


def test_one_rung_leaves_one_and_none_leaves_all() -> None:
    one = RateSearch(PRIOR, 2, (20,))
    assert progress(FIRST, one).finalists == (4,)
    none = RateSearch(PRIOR, 2, ())
    assert progress({}, none).finalists == (2, 3, 4, 5, 6)


def test_jobs_follow_the_search_then_the_seeds_then_the_tests() -> None:
    jobs = next_jobs(STUDY, {}, {})
    assert [(job.id, job.until) for job in jobs] == [
        (rung_id(IDS[point], 20), 20) for point in (2, 3, 4, 5, 6)
    ]
    known = records(FIRST | at(60, {3: 0.3, 4: 0.4}))
    (last,) = next_jobs(STUDY, known, {})
    assert (last.id, last.until) == (IDS[3], None)
    known[IDS[3]] = record(IDS[3], 0.2)
    assert chosen_point(STUDY, ROW, known) == 3
    (seed,) = next_jobs(STUDY, known, {})
    assert seed.id == trial_id({"rate": 3}, 1)
    known[seed.id] = record(seed.id, 0.2)
    assert [job.kind for job in next_jobs(STUDY, known, {})] == ["test", "test"]


def test_checkpoints_of_rates_that_stopped_are_dropped() -> None:
    known = records(FIRST | at(60, {3: 0.3, 4: 0.4}))
    known[IDS[3]] = record(IDS[3], 0.2)
    assert set(weights_to_drop(STUDY, known, {})) == {IDS[point] for point in (2, 4, 5, 6)}


def test_where_every_rate_diverges_the_contender_has_failed() -> None:
    known = records(at(20, dict.fromkeys((2, 3, 4, 5, 6), None)))
    while waiting := next_jobs(STUDY, known, {}):
        for job in waiting:
            known[job.id] = record(job.id, None)
    assert has_failed(STUDY, ROW, known)
    assert set(search_ids(STUDY, ROW, known)) <= set(known)


def test_without_a_rung_the_lowest_validation_loss_counts() -> None:
    """All have the same accuracy; the first of them would win by that."""
    row = replace(ROW, rates=replace(SEARCH, rungs=()))
    study = replace(STUDY, contenders=(row,))
    begun, losses = range(2, 7), (0.9, 0.7, 0.5, 0.6, 0.8)
    found = {}
    for point, loss in zip(begun, losses, strict=True):
        metrics = {"validation": {"accuracy": 0.5, "loss": loss}}
        result = TrialResult(IDS[point], status="done", metrics=metrics)
        found[IDS[point]] = TrialRecord(IDS[point], "done", result, TrialCosts(), Path())
    assert chosen_point(study, row, found) == 4
