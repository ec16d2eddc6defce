"""Advice needs evidence: a direction from what learned something and is ahead of chance."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.reports.conftest import look
from tests.reports.fabricate import CONTENDERS, Invented, Plan, fabricate

from tunewise.analysis.comparability.checks import fairness
from tunewise.analysis.evidence import Contender, Evidence
from tunewise.analysis.gather import gather
from tunewise.analysis.tuning.searching import edges
from tunewise.core.files import mark_complete, read_json, write_json
from tunewise.statistics.paired import mcnemar_of
from tunewise.store.study import StudyFolder

LORA = CONTENDERS[3]
ONE_ANSWER = ({"name": "answers", "passed": False, "detail": "one answer for all"},)
RATES = (1e-4, 3e-4, 1e-3)
ORDERS = tuple(itertools.permutations(RATES))


def searched(skills: tuple[float, ...], rates: tuple[float, ...], **changes: Any) -> Invented:
    points = tuple({"training.learning_rate": rate} for rate in rates)
    return replace(LORA, points=points, skills=skills, fails=changes.pop("fails", {}), **changes)


def plan(one: Invented, **changes: Any) -> Plan:
    return replace(
        Plan(contenders=(one,), seeds=(0,), validation=150, test=40, epochs=2), **changes
    )


def message(evidence: Evidence) -> set[str]:
    return {finding.kind for finding in fairness(evidence) if finding.kind.startswith("search.")}


def only(folder: Path) -> Contender:
    (contender,) = gather(StudyFolder.open(folder)).contenders
    return contender


def copy_answers(folder: Path, source: float, *targets: float) -> None:
    """Give points of the search the answers, and the scores, of another one."""
    at = {
        point.values["training.learning_rate"]: point.trials[0].record
        for point in only(folder).points
    }
    kept = pq.read_table(at[source].folder / "predictions" / "validation.parquet")
    scores = read_json(at[source].folder / "result.json")["metrics"]
    for target in targets:
        to = at[target].folder
        pq.write_table(kept, to / "predictions" / "validation.parquet")
        write_json(to / "result.json", {**read_json(to / "result.json"), "metrics": scores})
        mark_complete(to)


@pytest.mark.parametrize("order", ORDERS)
def test_points_that_tie_give_no_direction_in_any_order(
    tmp_path: Path, order: tuple[float, ...]
) -> None:
    folder = fabricate(tmp_path / "s", plan(searched((0.5, 0.5, 0.5), order)))
    copy_answers(folder, order[0], *order[1:])
    assert edges(only(folder), "accuracy") == []
    assert message(gather(StudyFolder.open(folder))) == set()


@pytest.mark.parametrize("order", ORDERS)
def test_both_ends_tied_for_the_best_give_no_direction(
    tmp_path: Path, order: tuple[float, ...]
) -> None:
    """Whichever of the two is chosen: it stands at an end, and is far better than the middle."""
    skills = tuple({1e-4: 1.5, 3e-4: -1.5, 1e-3: 1.5}[rate] for rate in order)
    folder = fabricate(tmp_path / "s", plan(searched(skills, order)))
    copy_answers(folder, 1e-4, 1e-3)
    assert only(folder).chosen is not None
    assert edges(only(folder), "accuracy") == []


@pytest.mark.parametrize("order", ORDERS)
def test_tied_losers_leave_a_shown_direction_as_it_is(
    tmp_path: Path, order: tuple[float, ...]
) -> None:
    skills = tuple(1.5 if rate == 1e-3 else -1.5 for rate in order)
    folder = fabricate(tmp_path / "s", plan(searched(skills, order)))
    copy_answers(folder, 1e-4, 3e-4)
    assert [(e.side, e.try_next) for e in edges(only(folder), "accuracy")] == [("highest", 0.0033)]


def test_a_direction_is_given_exactly_where_the_end_is_ahead_of_all_by_more_than_chance(
    tmp_path: Path,
) -> None:
    """Against McNemar's test worked out here, over ends that lead by more and by less."""
    seen = set()
    for number, lead in enumerate((0.0, 0.15, 0.3, 0.6, 1.2)):
        one = searched((-0.2, 0.0, lead), RATES)
        contender = only(fabricate(tmp_path / str(number), plan(one, rng_seed=number)))
        answers = [point.trials[0].answers("validation") for point in contender.points]
        right = [np.asarray(a.choices == a.labels) for a in answers if a is not None]
        ahead = all(
            right[2].sum() > other.sum() and mcnemar_of(right[2], other).exact < 0.05
            for other in right[:2]
        )
        expected = ahead and contender.chosen is contender.points[2]
        assert bool(edges(contender, "accuracy")) == expected
        seen.add(expected)
    assert seen == {True, False}


def test_what_learned_nothing_gives_no_direction_and_says_so(tmp_path: Path) -> None:
    """However far apart the scores lie: there they tell of the labels, not of the rate."""
    one = searched((-1.5, 0.0, 1.5), RATES, checks=ONE_ANSWER)
    evidence = gather(StudyFolder.open(fabricate(tmp_path / "s", plan(one))))
    assert edges(evidence.contenders[0], "accuracy") == []
    assert message(evidence) == {"search.nothing_learned"}
    (finding,) = [f for f in fairness(evidence) if f.kind == "search.nothing_learned"]
    assert "learning rate [0.0001, 0.0003, 0.001] for lora rank=16" in finding.says
    for word in ("added", "lower", "higher", "beyond", "more epochs", "Too small"):
        assert word not in finding.says + finding.todo


def test_a_neighbour_that_failed_gives_no_direction(tmp_path: Path) -> None:
    lost = {(1, 0): ("diverged", "The loss was not a number.")}
    skills = (-1.5, 0.0, 1.5)
    folder = fabricate(tmp_path / "a", plan(searched(skills, RATES, fails=lost)))
    assert only(folder).chosen is only(folder).points[2] or only(folder).chosen is not None
    assert edges(only(folder), "accuracy") == []
    whole = fabricate(tmp_path / "b", plan(searched(skills, RATES)))
    assert [edge.side for edge in edges(only(whole), "accuracy")] == ["highest"]


def test_one_point_alone_and_one_that_alone_ended_give_no_direction(tmp_path: Path) -> None:
    lost = {(number, 0): ("out-of-memory", "8 GiB") for number in (1, 2)}
    for name, one in {
        "single": searched((1.5,), RATES[:1]),
        "alone": searched((1.5, 0.0, 0.0), RATES, fails=lost),
    }.items():
        evidence = gather(StudyFolder.open(fabricate(tmp_path / name, plan(one))))
        assert edges(evidence.contenders[0], "accuracy") == []
        assert message(evidence) == set()


def test_a_macro_f1_needs_evidence_too(tmp_path: Path) -> None:
    for name, skills, sides in (
        ("shown", (-1.5, 0.0, 1.5), ["highest"]),
        ("level", (0.5, 0.5, 0.52), []),
    ):
        made = plan(searched(skills, RATES), metrics=("f1_macro", "accuracy"))
        found = edges(only(fabricate(tmp_path / name, made)), "f1_macro")
        assert [edge.side for edge in found] == sides


def test_the_default_rate_is_questioned_without_naming_a_direction(tmp_path: Path) -> None:
    fell = replace(LORA, points=({},), skills=(0.0,), checks=ONE_ANSWER)
    seen = look(tmp_path / "s", plan(fell))
    (finding,) = [f for f in fairness(seen.evidence) if f.kind == "default_rate"]
    assert "with learning_rate: auto" in finding.todo
    assert "epochs" not in finding.todo
