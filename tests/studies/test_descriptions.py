"""What a study says of its task and methods, for reports that load none."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tunewise.analysis.references import SOURCES
from tunewise.methods.base import METHODS
from tunewise.studies.prepare import prepare
from tunewise.studyfile.studyfile import read_study
from tunewise.tasks.base import TASKS

FILLED_IN = {"columns", "labels", "prompt", "limit"}  # by a report, from the study
EQUATIONS = {"equation low-rank", "equation low-rank-gradient"}
PARTS: list[Any] = [*METHODS.classes.values(), *TASKS.classes.values()]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_every_method_and_task_is_described_and_cites_what_reports_know(part: Any) -> None:
    assert part.description
    places = set(re.findall(r"{([^}]*)}", part.description))
    brought = getattr(part, "references", {})
    assert places - FILLED_IN - EQUATIONS <= {*SOURCES, *brought}
    assert set(brought) <= places and not set(brought) & set(SOURCES)
    assert not (places & FILLED_IN and part.name in METHODS)


def test_a_study_carries_the_descriptions_of_its_own_methods_alone() -> None:
    study = read_study(
        {
            "name": "toy",
            "task": {"kind": "classification", "text": "text", "label": "label"},
            "data": {"source": "embedded:reviews"},
            "methods": ["majority", "tfidf"],
        }
    )
    prepared = prepare(study).study
    assert prepared.descriptions.as_json() == {
        "task": TASKS.get("classification").description,
        "methods": {name: METHODS.get(name).description for name in ("majority", "tfidf")},
        "references": dict(METHODS.get("tfidf").references),
    }
    message = [(one.spoken, one.constant, one.reads_only) for one in prepared.contenders]
    assert message == [("guessing the majority class", True, None), ("TF-IDF", False, None)]
