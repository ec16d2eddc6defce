from __future__ import annotations

from dataclasses import replace
from typing import Any

from tunewise.store.records import ModelRecord
from tunewise.studies.contender_lines import contender_lines
from tunewise.studies.contenders.solvers import described, settled
from tunewise.studyfile.contender_records import Facts, contender_records
from tunewise.studyfile.expand import expand
from tunewise.studyfile.studyfile import read_study

TASK = {"kind": "classification", "text": ["text"], "label": "label"}


def lines(*methods: Any, solvable: str = "", **more: Any) -> tuple[str, ...]:
    """Those of a study, in which the contender of that name has a head that can be solved."""
    settings = read_study(
        {
            "name": "toy",
            "task": TASK,
            "data": {"source": "reviews.csv"},
            "models": ["bert"],
            "methods": list(methods),
            **more,
        }
    )
    facts = Facts("d" * 16, {"labels": ["bad", "good"]}, {"bert": ModelRecord("bert", None, "h")})
    expansion = expand(settings)
    rows = [
        described(replace(row, points=(settled(row.points[0], solved=TASK),)), rows=100)
        if row.name == solvable
        else row
        for row in contender_records(settings, expansion, facts)
    ]
    return contender_lines(rows, len(settings.seeds), expansion.notes)


def test_each_contender_is_listed_with_what_it_takes() -> None:
    assert lines(
        "majority",
        {"lora": {"rank": [1, 16]}},
        search={"learning_rate": [1e-4, 5e-4, 1e-3]},
        seeds=[0, 1, 2],
    ) == (
        "majority      1 trial",
        "lora rank=1   5 trials, best of 3 by learning_rate, learning rate 0.0001, 0.0005, 0.001",
        "lora rank=16  5 trials, best of 3 by learning_rate, learning rate 0.0001, 0.0005, 0.001",
        "3 contenders, 11 trials, 3 seeds.",
    )


def test_the_learning_rates_that_are_used_are_reported() -> None:
    own = {"full": {"training": {"learning_rate": None}}}
    named = {"bitfit": {"training": {"learning_rate": 0.01}}}
    assert lines("majority", own, named, "lora", "head", solvable="head", seeds=[0, 1]) == (
        "majority  1 trial",
        "full      2 trials, learning rate 3e-05",
        "bitfit    2 trials, learning rate 0.01",
        "lora      2 trials, learning rate measured from 3.3e-05 to 0.0027",
        "head      1 trial, solved",
        "5 contenders, 8 trials, 2 seeds.",
    )
