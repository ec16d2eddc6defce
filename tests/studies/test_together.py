"""Which trials are trained together, and how many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tunewise.store.records import (
    ContenderRecord,
    DataReference,
    MethodRecord,
    ModelRecord,
    PointRecord,
    StudyRecord,
    TrialSettings,
)
from tunewise.store.trial_records import Job
from tunewise.studies.engines.base import Needs
from tunewise.studies.together import NEEDED, Together, basis, can_any

SETTINGS = TrialSettings(
    task={"kind": "classification"},
    data=DataReference("d"),
    model=ModelRecord("bert", hash="m"),
    method=MethodRecord("lora", 2, {"rank": 8, "alpha": 16.0, "dropout": 0.0, "targets": ["q"]}),
    training={**NEEDED, "learning_rate": 1e-3, "epochs": 3, "devices": 1},
    seed=0,
)
TRIAL = Job("trial", "a", SETTINGS)


def changed(part: str, **values: Any) -> Job:
    settings = SETTINGS
    if part == "method":
        method = replace(settings.method, settings={**settings.method.settings, **values})
        return replace(TRIAL, settings=replace(settings, method=method))
    if part == "training":
        training = {**settings.training, **values}
        return replace(TRIAL, settings=replace(settings, training=training))
    return replace(TRIAL, settings=replace(settings, **values))


@pytest.mark.parametrize(
    "other",
    [
        replace(TRIAL, id="b", until=7),
        changed("settings", seed=1),
        changed("method", rank=2),
        changed("method", alpha=1.0),
        changed("training", learning_rate=1e-4),
    ],
)
def test_trials_may_differ_in_rate_seed_rank_and_alpha(other: Job) -> None:
    assert basis(other) == basis(TRIAL) is not None


@pytest.mark.parametrize(
    "other",
    [
        changed("settings", model=ModelRecord("bert", hash="n")),
        changed("settings", data=DataReference("e")),
        changed("settings", task={"kind": "classification", "pooling": "mean"}),
        changed("method", targets=["k"]),
        changed("training", epochs=4),
    ],
)
def test_in_nothing_else(other: Job) -> None:
    assert basis(other) not in {basis(TRIAL), None}


@pytest.mark.parametrize(
    "other",
    [
        replace(TRIAL, kind="test"),
        replace(TRIAL, features="f"),
        changed("settings", method=MethodRecord("full")),
        changed("settings", task={"kind": "question-answering"}),
        changed("method", dropout=0.1),
        changed("training", dropout=None),  # what the model's configuration says
        changed("training", dropout=0.1),
        changed("training", precision="bfloat16"),
        changed("training", quantize="nf4"),
        changed("training", gradient_checkpointing=True),
        changed("training", timeout=60.0),
        changed("training", devices=2),
    ],
)
def test_some_trials_are_always_trained_alone(other: Job) -> None:
    assert basis(other) is None


def test_as_many_as_are_wanted_and_fit() -> None:
    others = [
        replace(changed("settings", seed=1), id="b"),
        replace(changed("training", epochs=4), id="no"),
        replace(changed("method", rank=2), id="c"),
        replace(changed("settings", seed=3), id="d"),
    ]

    def gathered(together: Together) -> list[str]:
        needs = lambda job: Needs(10 * len(job.all), gpu_bytes=7 * len(job.all))  # noqa: E731
        return [job.id for job in together.gathered(TRIAL, others, needs).all]

    assert gathered(Together(8, 100)) == ["a", "b", "c", "d"]
    assert gathered(Together(2, 100)) == ["a", "b"]
    assert gathered(Together(8, 30)) == ["a", "b", "c"]
    assert gathered(Together(8, 28, on_gpu=True)) == ["a", "b", "c", "d"]
    assert gathered(Together()) == ["a"]


def test_what_nobody_has_predicted_fits_nowhere() -> None:
    other = replace(changed("settings", seed=1), id="b")
    assert Together(8, 10**12).gathered(TRIAL, [other], lambda job: Needs()) == TRIAL


def test_a_study_of_one_such_trial_has_none_to_train_together() -> None:
    row = ContenderRecord("lora", points=(PointRecord(settings=replace(SETTINGS, seed=None)),))
    other = changed("method", rank=2).settings
    assert not can_any(StudyRecord(contenders=(row,), seeds=(0,)))
    assert can_any(StudyRecord(contenders=(row,), seeds=(0, 1)))
    two = (row, replace(row, name="small", points=(PointRecord(settings=other),)))
    assert can_any(StudyRecord(contenders=two, seeds=(0,)))
