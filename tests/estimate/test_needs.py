"""What jobs take, as an engine is told: the prediction of their contender, else the limit."""

from __future__ import annotations

from dataclasses import replace

from tunewise.estimate.needs import needs_of, together_on
from tunewise.estimate.plan_types import Plan, Planned
from tunewise.store.identity import trial_id
from tunewise.store.records import (
    ContenderRecord,
    ModelRecord,
    PointRecord,
    StudyRecord,
    TrialSettings,
)
from tunewise.store.trial_records import Job
from tunewise.studies.engines.base import Needs
from tunewise.studies.engines.gpus import Gpu
from tunewise.studies.together import Together

WITH_MODEL = TrialSettings(model=ModelRecord("bert"))
ROWS = (
    ContenderRecord(
        "lora", points=(PointRecord(settings=WITH_MODEL, identity={"row": 0}),), features="f"
    ),
    ContenderRecord(
        "head", points=(PointRecord(settings=WITH_MODEL, identity={"row": 1}),), features="f"
    ),
    ContenderRecord("tfidf", points=(PointRecord(identity={"row": 2}),)),
)
STUDY = StudyRecord(contenders=ROWS, seeds=(0,))
PLAN = Plan("s", (), 2, 1, 2, 1.0, 1.0, 0, 0, False, 50, {})
PLAN = replace(
    PLAN, contenders=(Planned("lora", 1, peak_bytes=100), Planned("head", 1, peak_bytes=30))
)


def job(row: int, kind: str = "trial") -> Job:
    point = ROWS[row].points[0]
    return Job(kind, trial_id(point.identity, 0), point.settings.with_seed(0))  # type: ignore[arg-type]


def test_a_trial_and_its_test_take_what_is_predicted_and_the_libraries() -> None:
    needs = needs_of(STUDY, PLAN)
    assert needs(job(0)) == needs(job(0, "test")) == Needs(150, gpus=1, gpu_bytes=100)
    assert needs(job(1)) == Needs(80, gpus=1, gpu_bytes=30)


def test_features_take_what_the_hungriest_does_that_shares_them() -> None:
    features = Job("features", "f", WITH_MODEL.with_seed(0), "f")
    assert needs_of(STUDY, PLAN)(features) == Needs(150, gpus=1, gpu_bytes=100)


def test_without_a_prediction_the_limit_stands_in_and_no_model_needs_no_card() -> None:
    assert needs_of(STUDY, PLAN)(job(2)) == Needs(None, gpus=0)
    limited = replace(STUDY, memory_limit=7)
    assert needs_of(limited, PLAN)(job(2)) == Needs(7, gpus=0)
    assert needs_of(limited, None)(job(0)) == Needs(7, gpus=1)


def test_trials_in_one_process_take_the_sum_and_the_libraries_once() -> None:
    both = replace(job(0), beside=(job(1),))
    assert needs_of(STUDY, PLAN)(both) == Needs(180, gpus=1, gpu_bytes=130)
    needs = needs_of(STUDY, PLAN)
    assert needs(job(0)) == Needs(150, gpus=1, gpu_bytes=100)
    assert needs(both) == Needs(180, gpus=1, gpu_bytes=130)
    assert needs(replace(job(0), beside=(job(2),))).memory_bytes is None


def test_they_have_the_room_of_the_smallest_card_or_of_a_trial() -> None:
    limited = replace(PLAN, limit_bytes=70)
    assert together_on(4, limited, ()) == Together(4, 70)
    assert together_on(4, None, ()) == Together(4, 0)
    cards = (Gpu("a", 24 * 10**9), Gpu("b", 10 * 10**9))
    assert together_on(4, limited, cards) == Together(4, 8 * 10**9, on_gpu=True)
