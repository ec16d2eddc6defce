from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from tunewise.methods.lora import LoRA
from tunewise.studyfile.expand import Expansion, expand
from tunewise.studyfile.resolved import resolved
from tunewise.studyfile.settings import StudyOptions
from tunewise.studyfile.studyfile import read_study
from tunewise.training.settings import TrainingSettings

STUDY: dict[str, Any] = {
    "name": "toy",
    "task": {"kind": "classification", "text": "text", "label": "label"},
    "data": {"source": "reviews.csv", "split": {"from": "train", "validation": 0.1}},
    "models": "bert",
    "methods": ["majority", "full", {"lora": {"rank": [4, 8], "name": "ours"}}, {"head": None}],
    "training": {"epochs": 2},
}
SEARCHES = [
    {},
    {"learning_rate": [1e-4, 3e-4]},
    {"learning_rate": "auto"},
    {"training.learning_rate": {"full": [1e-5], "ours": [1e-4], "head": [1e-3]}},
    {"lora.dropout": [0.0, 0.1]},
]


def what_runs(expansion: Expansion) -> list[Any]:
    return [
        (row.name, str(row.model), [point.settings() for point in row.points])
        for row in expansion.contenders
    ]


@pytest.mark.parametrize("search", SEARCHES)
def test_the_resolved_study_is_the_same_study(search: dict[str, Any]) -> None:
    study = read_study({**STUDY, "search": search})
    written = json.loads(json.dumps(resolved(study)))
    again = read_study(written)
    assert what_runs(expand(again)) == what_runs(expand(study))
    assert (again.task, again.data, again.models) == (study.task, study.data, study.models)
    assert resolved(again) == written


def test_a_study_of_one_word_is_resolved_too() -> None:
    study = read_study({**STUDY, "methods": "full"})
    assert what_runs(expand(read_study(resolved(study)))) == what_runs(expand(study))


def test_nothing_is_left_unstated() -> None:
    written = resolved(read_study(STUDY))
    assert {field.name for field in fields(StudyOptions)} <= set(written)
    own = {"optimizer"}  # each method says what `auto` means for it
    assert set(written["training"]) == {field.name for field in fields(TrainingSettings)} - own
    assert set(written["methods"][2]["lora"]) == {
        *(field.name for field in fields(LoRA)),
        *("name", "training"),
    }
    assert written["methods"][1]["full"]["training"] == {
        "learning_rate": "auto",
        "optimizer": "adamw",  # epochs are named
    }
    assert written["data"]["split"]["from"] == "train"


def test_a_learning_rate_that_was_given_stays_where_it_was() -> None:
    written = resolved(read_study({**STUDY, "training": {"learning_rate": 1e-3}}))
    assert written["training"]["learning_rate"] == 1e-3
    assert written["methods"][1] == {"full": {"training": {"optimizer": "adamw"}}}
