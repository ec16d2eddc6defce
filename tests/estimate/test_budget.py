"""What a budget is enough for: that of a draft, those in trials, and one that is too small."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import CONFIGURATIONS
from tests.exports import EXPORTS
from transformers import AutoConfig

from tunewise.core.errors import InputError
from tunewise.core.units import parse_budget
from tunewise.costs.calibration import Calibration
from tunewise.data.first_look.first_budget import USUAL_FLOPS, first_budget
from tunewise.data.inspect import look
from tunewise.data.study_template import write_study
from tunewise.estimate.budget import expected, with_budget, worth_a_plan
from tunewise.estimate.plan import plan
from tunewise.estimate.plan_types import Plan, Schedule
from tunewise.estimate.schedule import refuse_too_small, too_small
from tunewise.store.records import ContenderRecord, DataRecord, ParameterCounts, StudyRecord
from tunewise.studies.prepare import Prepared
from tunewise.studies.rows import rows_of
from tunewise.studyfile.settings import StudySettings
from tunewise.studyfile.studyfile import read_study

CORE = Calibration(
    threads=1,  # one of two shared ones, beside other work
    flops_per_second=47e9,
    bytes_per_second=12e9,
    seconds_per_operation=5.5e-6,
)
QUICK = ("json list",)  # whose plan the default tier makes


@pytest.fixture
def study(tmp_path: Path) -> dict[str, Any]:
    for split, count in {"train": 40, "validation": 20, "test": 30}.items():
        rows = ({"text": f"a warm room {split} {at}", "label": "ab"[at % 2]} for at in range(count))
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    AutoConfig.for_model("bert", **CONFIGURATIONS["bert"]).save_pretrained(tmp_path / "bert")
    return {
        "name": "budgeted",
        "task": {"kind": "classification", "text": "text", "label": "label"},
        "data": {"source": str(tmp_path)},
        "models": [str(tmp_path / "bert")],
        "methods": ["majority", {"lora": {"rank": 2}}, "full"],
    }


def planned(study: dict[str, Any], **more: Any) -> Plan:
    return plan(read_study({**study, **more}), workers=2, calibration=CORE)


def needs(found: Plan) -> Schedule:
    assert found.schedule is not None
    return found.schedule


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.bench) for name in EXPORTS],
)
def test_a_draft_has_time_for_its_search_and_a_verdict(tmp_path: Path, name: str) -> None:
    if name == "workbook":
        pytest.importorskip("openpyxl")
    path = EXPORTS[name][0](tmp_path)
    (tmp_path / "study.yaml").write_text(write_study(look(path.name, tmp_path)), encoding="utf-8")
    settings = read_study(tmp_path / "study.yaml")
    found = plan(settings, workers=2, calibration=CORE)
    refuse_too_small(found)
    assert needs(found).needed <= needs(found).budget


def test_a_quick_machine_is_given_less_time_for_a_draft() -> None:
    rows = {"train": 250, "validation": 83, "test": 83}
    budgets = [
        first_budget("classification", rows, 190, flops_per_second=speed * USUAL_FLOPS)
        for speed in (0.2, 1, 2, 100)
    ]
    assert budgets == ["20 min", "5 min", "2 min", "2 min"]


def test_the_time_of_a_draft_grows_with_its_data() -> None:
    def seconds(kind: str, train: int, size: float) -> float:
        rows = {"train": train, "validation": train // 5, "test": train // 5}
        return parse_budget(first_budget(kind, rows, size)).seconds or 0.0

    for kind in ("classification", "question-answering"):
        sizes = [seconds(kind, 3000, size) for size in (10, 300, 1000)]
        assert sizes == sorted(set(sizes))
        assert seconds(kind, 3000, 2000) == seconds(kind, 3000, 20_000)  # more is not read
        counts = [seconds(kind, count, 300) for count in (50, 5000, 50_000, 500_000)]
        assert counts == sorted(set(counts))


def test_a_budget_in_trials_needs_no_more_than_its_trials(study: dict[str, Any]) -> None:
    one, three = (needs(planned(study, budget=f"{n} trials")) for n in (1, 3))
    assert one.seeds == (1, 1) and three.seeds == (3, 3)
    assert one.needed == one.budget == three.needed
    extra = 2 * (three.round[0] + three.tests)
    assert three.budget == pytest.approx(one.budget + extra)


def test_a_budget_in_trials_is_kept_as_what_the_trials_are_predicted_to_take(
    study: dict[str, Any], tmp_path: Path
) -> None:
    settings = read_study({**study, "budget": "1 trials"})
    found = with_budget(prepared(settings), tmp_path / "none", workers=2).study.budget
    assert found is not None and not found.clocked
    prices = [found.prices[name] for name in ("lora", "full")]
    tests = sum(price.test for price in found.prices.values())
    longest = max(price.around + price.steps[0] * price.step for price in prices)
    assert longest <= found.seconds <= longest + tests + 0.1


def prepared(settings: StudySettings) -> Prepared:
    rows = (
        ContenderRecord("majority", seeded=False),
        ContenderRecord("lora"),
        ContenderRecord("full"),
    )
    settled = settings.task.settle(rows_of(settings))
    study = StudyRecord(contenders=rows, labels=settled.options)
    return Prepared(settings, settled.splits, study, (), {}, (), task_settings=settled.settings)


def test_a_budget_that_is_too_small_says_what_is_needed_and_what_could_be_left_out() -> None:
    parts = {"majority": 1.0, "lora": 40.0, "full": 140.0}
    short = Schedule(
        100.0, 20.0, (175.0, 175.0), (90.0, 90.0), 5.0, (1, 1), needed=200.0, parts=parts
    )
    assert too_small(short) == (
        "1 min 40 s is too little: to measure the learning rates of 3 contenders, train each once "
        "and test it takes about 3 min 20 s on this machine.",
        "Give budget: 5 min. Or leave out full.",
    )
    assert too_small(replace(short, budget=10.0))[1] == "Give budget: 5 min."


def test_the_refusal_of_a_plan_is_an_error_of_the_budget(study: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"budget: 6.0 s is too little: .* Give budget: \d+ min"):
        refuse_too_small(planned(study, budget="0.1 min"))


@pytest.mark.parametrize(
    ("parameters", "rows", "worth"),
    [
        (10_000_000, 40, True),  # a model that takes hours
        (10_000, 9000, True),  # a tiny one with many rows
        (10_000, 40, False),
    ],
)
def test_what_is_soon_done_is_not_worth_a_plan(
    study: dict[str, Any], parameters: int, rows: int, worth: bool
) -> None:
    row = ContenderRecord("lora", parameters=ParameterCounts(parameters, 10))
    record = StudyRecord(contenders=(row,), data=DataRecord(rows={"train": rows}))
    assert worth_a_plan(Prepared(read_study(study), {}, record, (), {}, ())) is worth


def test_without_a_budget_the_time_is_said_and_what_a_budget_would_do() -> None:
    long = Plan("s", (), 2, 1, 2, 4000.0, 4000.0, 0, 0, False, 0, {"validation": 9})
    said = expected(long)
    assert said[0] == "This takes about 66 min with 2 trials side by side."
    assert len(said) == 2 and "--budget 30min" in said[1]
