"""Choosing looks at validation alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunewise.store.identity import trial_id
from tunewise.store.records import ContenderRecord, DataRecord, PointRecord, StudyRecord
from tunewise.store.trial_records import TrialCosts, TrialResult
from tunewise.store.trials import TrialRecord
from tunewise.studies.choose import chosen_point, has_failed
from tunewise.studies.chosen import chosen_ids, weights_to_drop

POINTS = 3
ROW = ContenderRecord(
    "lora", points=tuple(PointRecord(identity={"point": point}) for point in range(POINTS))
)


def study(keep: str = "chosen") -> StudyRecord:
    return StudyRecord(
        metrics=("accuracy", "f1_macro"),
        seeds=(7, 8),
        data=DataRecord(has_test=True),
        keep=keep,
        contenders=(ROW,),
    )


def id_of(point: int, seed: int = 7) -> str:
    return trial_id({"point": point}, seed)


def records(*scores: float | str | None) -> dict[str, TrialRecord]:
    """A trial a point with the first seed: an accuracy, None for undefined, or a status."""
    found = {}
    for point, score in enumerate(scores):
        failed = isinstance(score, str)
        metrics = {} if failed else {"validation": {"accuracy": score, "f1_macro": 1.0}}
        id, status = id_of(point), str(score) if failed else "done"
        result = TrialResult.from_json({"id": id, "metrics": metrics})
        found[id] = TrialRecord(id, status, result, TrialCosts(), Path())
    return found


@pytest.mark.parametrize(
    ("scores", "point"),
    [
        ((0.1, 0.3, 0.2), 1),
        ((0.3, 0.3, 0.2), 0),
        ((0.0, 0.0, 0.0), 0),
        (("failed", 0.0, "killed"), 1),
        ((None, 0.0, "diverged"), 1),
        ((None, None, "diverged"), 0),
        (("failed", "diverged", "timed-out"), None),
        ((0.9, 0.1), None),
    ],
    ids=["best", "tie", "zeros", "failed", "undefined", "none-defined", "all-failed", "unfinished"],
)
def test_the_best_point_on_validation_is_chosen(
    scores: tuple[float | str | None, ...], point: int | None
) -> None:
    assert chosen_point(study(), ROW, records(*scores)) == point


def test_a_contender_has_failed_when_every_point_has() -> None:
    assert has_failed(study(), ROW, records("failed", "diverged", "killed"))
    assert not has_failed(study(), ROW, records("failed", "diverged"))
    assert not has_failed(study(), ROW, records("failed", 0.0, "failed"))


def test_the_chosen_trials_are_one_a_seed() -> None:
    assert chosen_ids(study(), ROW, records(0.1, 0.3, 0.2)) == [id_of(1, 7), id_of(1, 8)]
    assert chosen_ids(study(), ROW, records(0.1)) == []


def test_weights_are_kept_as_the_study_says() -> None:
    found = records(0.1, 0.3, 0.2)
    losers = [id_of(0), id_of(2)]
    assert weights_to_drop(study("chosen"), found, {}) == losers
    assert weights_to_drop(study("all"), found, {}) == []
    assert weights_to_drop(study("none"), found, {}) == losers
    assert weights_to_drop(study("none"), found, {id_of(1): found[id_of(1)]}) == [
        *losers,
        id_of(1),
    ]


def test_nothing_is_dropped_while_a_point_may_still_win() -> None:
    assert weights_to_drop(study(), records(0.1, 0.3), {}) == []
