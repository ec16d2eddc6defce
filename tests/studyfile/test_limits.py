from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from tunewise.core.errors import InputError
from tunewise.statistics.metrics import METRICS
from tunewise.store.records import ModelRecord
from tunewise.studyfile.contender_records import Facts, contender_records
from tunewise.studyfile.expand import expand
from tunewise.studyfile.limits import METRIC_LIMITS, Limits, quantity
from tunewise.studyfile.resolved import resolved
from tunewise.studyfile.studyfile import read_study

STUDY: dict[str, Any] = {
    "name": "toy",
    "task": {"kind": "classification", "text": "text", "label": "label"},
    "data": {"source": "reviews.csv"},
    "models": ["bert"],
    "methods": ["full"],
}


def complaint(**changes: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_study({**STUDY, **changes})
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("memory", "8 GB", 8e9),
        ("memory", "8gb", 8e9),
        ("memory", "2 GiB", 2 * 2**30),
        ("memory", 500_000_000, 5e8),
        ("artefact", ".5 MB", 5e5),
        ("time", "10 min", 600),
        ("time", "1.5 h", 5400),
        ("time", 30.5, 30.5),
        ("latency", "5 ms", 0.005),
    ],
)
def test_limits_have_units(name: str, value: Any, number: float) -> None:
    assert quantity(name, value) == number
    study = read_study({**STUDY, "require": {name: value}})
    assert study.require is not None
    assert study.require.given() == {name: number}


@pytest.mark.parametrize(
    ("require", "words"),
    [
        ({"memory": "8 GX"}, "require.memory: found '8 GX': unknown unit 'GX'. Known: B, GB, GiB,"),
        ({"time": "9 minuts"}, "unknown unit 'minuts'. Did you mean 'minutes'? Known: "),
        ({"memory": "8"}, "require.memory: found '8': needs a unit, such as 8 GB."),
        ({"time": "soon"}, "require.time: found 'soon': a number with its unit, such as 10 min."),
        ({"artefact": "0 MB"}, "require.artefact: found '0 MB': above 0, such as 20 MB."),
        ({"memory": [1]}, "require.memory: found [1]:"),
        ({"accuracy": 80.0}, "require.accuracy: found 80: a fraction from 0 to 1, such as 0.8."),
        ({"acuracy": 0.8}, "Did you mean 'accuracy'?"),
        ({"matthews": 0.8}, "require.matthews: 'matthews' is not among the study's metrics."),
        ({"parameters": -1}, "require.parameters: found -1: a whole number from 0 up."),
        ({}, "require: names no limit: such as {memory: 8 GB, accuracy: 0.8}."),
        ("8 GB", "require: found '8 GB':"),
    ],
)
def test_limits_that_mean_nothing_are_mistakes_with_a_place(require: Any, words: str) -> None:
    assert words in complaint(require=require)


def test_every_score_can_be_required_and_only_scores() -> None:
    fractions = {name for name, one in METRICS.items() if one.higher_is_better and one.highest == 1}
    assert set(METRIC_LIMITS) <= fractions
    assert fractions - set(METRIC_LIMITS) == set()


def test_the_resolved_study_keeps_limits_and_slices() -> None:
    study = read_study({**STUDY, "require": {"memory": "8 GB"}, "slices": "length"})
    again = read_study(resolved(study))
    assert (
        (again.require, again.slices)
        == (study.require, study.slices)
        == (
            Limits(memory="8 GB"),
            ("length",),
        )
    )
    assert len(fields(Limits)) == 16


def test_limits_and_slices_rename_no_trial() -> None:
    def identities(**changes: Any) -> list[Any]:
        study = read_study({**STUDY, **changes})
        facts = Facts("d" * 16, {"labels": ["a", "b"]}, {"bert": ModelRecord("bert", hash="h")})
        rows = contender_records(study, expand(study), facts)
        return [point.identity for row in rows for point in row.points]

    assert identities() == identities(require={"memory": "8 GB"}, slices=["length", "kind"])


def test_a_slice_stands_once() -> None:
    assert "slices: found 'a': stands twice." in complaint(slices=["a", "a"])
