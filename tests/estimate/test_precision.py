"""``precision: auto``: what this machine is faster in, settled once and kept with the study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.estimate.conftest import reviews_study

from tunewise.core.errors import InputError
from tunewise.estimate.precision import with_precision
from tunewise.store.study import StudyFolder
from tunewise.studies.prepare import Prepared, prepare, store
from tunewise.studyfile.studyfile import read_study
from tunewise.training.assembly import Parts

FASTER, SLOWER = 0.7, 0.9  # a step's time in bfloat16 over that in float32


@pytest.fixture(scope="module")
def study(
    tmp_path_factory: pytest.TempPathFactory, checkpoint: Callable[[str], Path]
) -> dict[str, Any]:
    return reviews_study(
        tmp_path_factory.mktemp("data"),
        checkpoint("bert"),
        {"train": 60, "validation": 20},
        methods=["majority", "head", "lora"],
        training={"epochs": 1, "learning_rate": 1e-3, "precision": "auto"},
    )


@pytest.fixture(scope="module")
def prepared(study: dict[str, Any]) -> Prepared:
    return prepare(read_study(study))


def precisions(prepared: Prepared) -> dict[str, Any]:
    return {
        row.name: (row.points[0].settings.training or {}).get("precision")
        for row in prepared.study.contenders
        if row.model
    }


def identities(prepared: Prepared) -> list[Any]:
    return [point.identity for row in prepared.study.contenders for point in row.points]


def test_the_faster_format_is_taken_and_what_runs_once_stays_exact(prepared: Prepared) -> None:
    said: list[str] = []
    settled = with_precision(prepared, None, say=said.append, step=lambda: FASTER)
    assert precisions(settled) == {"head": "float32", "lora": "bfloat16"}
    assert settled.study.precision == "bfloat16"
    assert said == ["precision auto: bfloat16; a step in bfloat16 takes 0.70 of the time here."]
    assert precisions(with_precision(prepared, None, step=lambda: SLOWER)) == {
        "head": "float32",
        "lora": "float32",
    }


@pytest.mark.parametrize(("step", "named"), [(FASTER, "bfloat16"), (SLOWER, "float32")])
def test_trials_are_those_of_a_study_that_names_the_format(
    study: dict[str, Any], prepared: Prepared, step: float, named: str
) -> None:
    entry = {"lora": {"training": {"precision": named}}}
    training = {**study["training"], "precision": "float32"}
    by_name = {**study, "methods": ["majority", "head", entry], "training": training}
    settled = with_precision(prepared, None, step=lambda: step)
    assert identities(settled) == identities(prepare(read_study(by_name)))


def test_a_folder_goes_on_as_it_began(prepared: Prepared, tmp_path: Path) -> None:
    first = with_precision(prepared, tmp_path / "run", step=lambda: FASTER)
    folder = StudyFolder.create(tmp_path / "run")
    with folder.lock():
        store(first, folder)

    def elsewhere() -> float:
        raise AssertionError("it is measured once")

    again = with_precision(prepared, folder.path, step=elsewhere)
    assert identities(again) == identities(first)
    assert folder.study().precision == "bfloat16"


def test_nothing_is_measured_where_nothing_is_left_open(study: dict[str, Any]) -> None:
    plain = prepare(read_study({**study, "training": {"epochs": 1, "learning_rate": 1e-3}}))
    assert with_precision(plain, None, step=lambda: 1 / 0) is plain


@pytest.mark.parametrize(
    "change",
    [
        {"training": {"precision": ["auto", "bfloat16"]}},
        {"training": {}, "search": {"precision": ["auto", "float32"]}},
    ],
)
def test_auto_stands_alone(study: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="precision: auto stands alone"):
        read_study({**study, **change})


def test_a_trial_is_never_open(prepared: Prepared, tmp_path: Path) -> None:
    point = prepared.study.contenders[-1].points[0]
    with pytest.raises(TypeError, match="is settled before a trial is made"):
        Parts.of(replace(point.settings, seed=0), tmp_path)
