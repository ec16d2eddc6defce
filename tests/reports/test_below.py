"""Trained contenders below what costs next to nothing: reported on the first screen, and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.reports.conftest import look
from tests.reports.fabricate import CONTENDERS, Invented, Plan, fabricate

from tunewise.analysis.facts import Facts
from tunewise.core.files import mark_complete
from tunewise.reports.sections.verdict import doubtful
from tunewise.store.study import StudyFolder

MAJORITY, TFIDF, HEAD, LORA, FULL = CONTENDERS


def at(contender: Invented, skill: float) -> Invented:
    return replace(contender, skills=(skill,), points=contender.points[:1], fails={})


PLAN = Plan(contenders=(MAJORITY, at(TFIDF, 1.0), at(LORA, -0.5), at(FULL, 1.1)), test=400)


def seen(
    folder: Path,
    change: Callable[[dict[str, Any]], None] = lambda result: None,
    plan: Plan = PLAN,
) -> Facts:
    """The facts of the plan, in which each training's result was changed."""
    fabricate(folder, plan)
    for path in folder.glob("trials/*/result.json"):
        content = json.loads(path.read_text())
        if content["epochs"]:
            change(content)
            path.write_text(json.dumps(content))
            mark_complete(path.parent)
    return Facts.of(StudyFolder(folder))


def test_who_is_shown_to_be_below_is_named_with_the_lead(tmp_path: Path) -> None:
    facts = seen(tmp_path / "s")
    (found,) = facts.below_the_obvious
    assert (found.name, found.other) == ("lora rank=16", "tfidf")
    measure = facts.measured_against("tfidf", "lora rank=16")
    assert found.lead == measure.difference and found.lead > 0.1
    assert found.interval == measure.items.interval
    assert found.sentence("accuracy") in doubtful(facts)


def test_nothing_is_said_of_what_chance_may_explain(tmp_path: Path) -> None:
    plan = replace(PLAN, contenders=(MAJORITY, at(TFIDF, 0.3), at(LORA, 0.25)), test=100)
    assert look(tmp_path / "s", plan).facts.below_the_obvious == []


def learned(train: float, validation: float, *, loss: tuple[float, ...]) -> Any:
    def change(result: dict[str, Any]) -> None:
        first = result["epochs"][0]
        result["best_epoch"] = 1
        result["epochs"] = [
            {
                **first,
                "epoch": number,
                "train_accuracy": train,
                "validation": {**first["validation"], "accuracy": validation, "loss": one},
            }
            for number, one in enumerate(loss, 1)
        ]

    return change


FALLING, RISEN = (1.0, 0.9), (0.9, 1.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (learned(0.5, 0.5, loss=FALLING), "its validation loss was still falling at the last"),
        (learned(0.5, 0.48, loss=RISEN), "it does not fit the training examples either. It has 50"),
        (learned(0.9, 0.5, loss=RISEN), "it knows the training examples better than new ones"),
        (lambda result: result.update(ended="limit"), "ended at the limit of its length"),
        (
            lambda result: result.update(flags=["degenerate"]),
            "learned nothing, or gives one answer",
        ),
    ],
)
def test_the_curves_say_why(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    (found,) = seen(tmp_path / "s", change).below_the_obvious
    assert words in found.sentence("accuracy")


def test_who_trains_everything_is_not_told_to_train_more(tmp_path: Path) -> None:
    plan = replace(PLAN, contenders=(MAJORITY, at(TFIDF, 1.0), at(FULL, -0.5)))
    (found,) = seen(tmp_path / "s", learned(0.5, 0.48, loss=RISEN), plan).below_the_obvious
    assert found.name == "full"
    assert "does not fit the training examples either" in found.sentence("accuracy")
    assert "rank" not in found.sentence("accuracy")


def test_a_training_that_its_limit_ended_is_marked_with_the_remedy(tmp_path: Path) -> None:
    facts = seen(tmp_path / "s", lambda result: result.update(ended="limit"))
    (marked,) = [text for text in doubtful(facts) if text.startswith("A training of")]
    assert marked.startswith("A training of lora rank=16 and full ended at the limit of its length")
    assert "more epochs" in marked
    assert not any("still falling at the last epoch for" in text for text in doubtful(facts))
