from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.reports.conftest import look
from tests.reports.fabricate import CONTENDERS, POINTS, Plan, fabricate

from tunewise.analysis.comparability.checks import CLEAN, fairness, summary
from tunewise.analysis.comparability.finding import Finding
from tunewise.analysis.comparability.search import choice
from tunewise.analysis.gather import gather
from tunewise.analysis.tuning.searching import edges
from tunewise.core.files import mark_complete
from tunewise.statistics.power import detectable_difference
from tunewise.store.study import StudyFolder

MAJORITY, TFIDF, HEAD, LORA, FULL = CONTENDERS
PLAIN = tuple(
    replace(one, skills=one.skills[:1], points=one.points[:1], fails={}) for one in CONTENDERS
)
SMALL = Plan(contenders=PLAIN, seeds=(0, 1), epochs=2, validation=100, test=100)


def found(folder: Path) -> dict[str, Finding]:
    """The findings of a study by kind; of several of one kind the last."""
    return {finding.kind: finding for finding in fairness(gather(StudyFolder.open(folder)))}


def change_study(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "study.json"
    study = json.loads(path.read_text())
    change(study)
    path.write_text(json.dumps(study))


def change_trials(
    folder: Path, method: str, file: str, change: Callable[[dict[str, Any]], Any]
) -> None:
    """Rewrite a file of every trial of a method, and its marker."""
    for path in folder.glob(f"trials/*/{file}"):
        result = json.loads((path.parent / "result.json").read_text())
        if result["settings"]["method"]["name"] == method:
            content = json.loads(path.read_text())
            change(content)
            path.write_text(json.dumps(content))
            mark_complete(path.parent)


def training_of(study: dict[str, Any], method: str) -> dict[str, Any]:
    (row,) = [row for row in study["contenders"] if row["method"] == method]
    values: dict[str, Any] = row["points"][0]["settings"]["training"]
    return values


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return fabricate(tmp_path / "study", SMALL)


def test_a_study_in_which_only_the_method_differs_has_no_finding(small: Path) -> None:
    assert fairness(gather(StudyFolder.open(small))) == ()
    assert summary(()) == CLEAN


def test_own_default_learning_rates_are_no_finding_but_given_ones_are(small: Path) -> None:
    def rates(study: dict[str, Any], own: list[str]) -> None:
        training_of(study, "lora")["learning_rate"] = 1e-3
        study["contenders"][3]["own_training"] = own

    change_study(small, lambda study: rates(study, []))
    assert found(small) == {}
    change_study(small, lambda study: rates(study, ["learning_rate"]))
    finding = found(small)["training.learning_rate"]
    assert finding.severity == "notice"
    assert finding.says == (
        "The learning rate differs: 0.0001 for head and full; 0.001 for lora rank=16."
    )


@pytest.mark.parametrize(
    ("key", "value", "severity", "words"),
    [
        ("epochs", 20, "warning", "The number of epochs differs: 20 for head; 2 for lora"),
        ("batch_size", 8, "warning", "The batch size differs: 8 for head; 32 for lora"),
        ("accumulate", 4, "notice", "The parts in which a step is computed differs: 4 for head"),
        ("max_length", 64, "warning", "The longest text differs: 64 for head; none for"),
        ("weight_decay", 0.1, "warning", "Weight decay differs: 0.1 for head; none for"),
        ("schedule", "cosine", "warning", "Schedule differs: cosine for head; none for"),
        ("optimizer", "sgd", "warning", "The optimizer differs: sgd for head; none for"),
        ("patience", 2, "warning", "The patience of early stopping differs: 2 for head"),
    ],
)
def test_each_unequal_training_setting_is_reported_with_its_values(
    small: Path, key: str, value: Any, severity: str, words: str
) -> None:
    change_study(small, lambda study: training_of(study, "head").update({key: value}))
    finding = found(small)[f"training.{key}"]
    assert finding.severity == severity
    assert finding.says.startswith(words)
    assert finding.rows == ("head", "lora rank=16", "full")
    assert finding.values["head"] == value


def test_a_sweep_that_every_method_makes_is_a_notice(small: Path) -> None:
    def sweep(study: dict[str, Any]) -> None:
        rows = study["contenders"]
        head, other = rows[2], json.loads(json.dumps(rows[2]))
        other["name"] = "head epochs=9"
        other["points"][0]["settings"]["training"]["epochs"] = 9
        study["contenders"] = [head, other]

    change_study(small, sweep)
    assert found(small)["training.epochs"].severity == "notice"


def test_other_numbers_of_search_points_are_unequal_budgets(tmp_path: Path) -> None:
    two = replace(LORA, points=POINTS, skills=LORA.skills[:2])
    plan = replace(SMALL, contenders=(*PLAIN[:3], two))
    finding = found(fabricate(tmp_path / "s", plan))["search.budget"]
    assert finding.says == "Search points differ: 1 for head; 2 for lora rank=16."
    assert (finding.severity, dict(finding.values)) == ("warning", {"head": 1, "lora rank=16": 2})


def test_a_head_that_is_solved_has_no_epochs_rate_or_search_to_compare(tmp_path: Path) -> None:
    two = replace(LORA, points=POINTS, skills=LORA.skills[:2])
    folder = fabricate(tmp_path / "s", replace(SMALL, contenders=(*PLAIN[:3], two)))
    change_study(folder, lambda study: training_of(study, "head").update(epochs=3, max_length=64))
    both = {"training.epochs", "training.max_length", "search.budget"}
    assert both <= set(found(folder))

    def solve(study: dict[str, Any]) -> None:
        study["contenders"][2].update(trained=False, seeded=False)
        training_of(study, "head").update(optimizer="lbfgs")

    change_study(folder, solve)
    assert both & set(found(folder)) == {"training.max_length"}  # which the solver reads as well
    assert "training.optimizer" not in found(folder)


def grid(*rates: float) -> tuple[dict[str, float], ...]:
    return tuple({"training.learning_rate": rate} for rate in rates)


@pytest.mark.parametrize(
    ("rates", "differs"),
    [((1e-3, 3e-3), False), ((3.3e-5, 1e-4), False), ((1e-3, 1e-2), True)],
)
def test_a_grid_of_the_same_shape_around_another_centre_is_fair(
    tmp_path: Path, rates: tuple[float, ...], differs: bool
) -> None:
    one = replace(LORA, points=grid(1e-4, 3e-4), skills=(0.2, 0.9))
    two = replace(HEAD, points=grid(*rates), skills=(-0.5, 0.3))
    plan = replace(SMALL, contenders=(one, two))
    assert ("search.space" in found(fabricate(tmp_path / "s", plan))) == differs


@pytest.mark.parametrize(
    ("values", "best", "side", "try_next"),
    [
        ((1e-4, 5e-4, 1e-3), 2, "highest", 2e-3),  # the last factor again
        ((1e-4, 5e-4, 1e-3), 0, "lowest", 2e-5),
        ((1e-4, 5e-4, 1e-3), 1, None, None),
        ((7, 9), 1, "highest", 11),  # the last difference again
        ((7, 9), 0, "lowest", 5),
        ((1, 16, 256), 2, "highest", 4096),
        ((0.0, 0.1), 0, None, None),  # nothing lies below none
        (("linear", "cosine"), 0, None, None),  # in no order
        ((True, False), 0, None, None),
        ((3, 3), 0, None, None),  # one value
    ],
)
def test_the_edge_of_a_range_and_what_lies_beyond(
    tmp_path: Path, values: tuple[Any, ...], best: int, side: str | None, try_next: float | None
) -> None:
    skills = tuple(1.5 if n == best else -1.5 for n in range(len(values)))
    points = tuple({"method.thing": value, "place": n} for n, value in enumerate(values))
    plan = replace(SMALL, contenders=(replace(LORA, points=points, skills=skills),))
    folder = fabricate(tmp_path / "s", plan)
    change_study(folder, lambda study: study["contenders"][0].update(search=["method.thing"]))
    (contender,) = gather(StudyFolder.open(folder)).contenders
    assert [(edge.side, edge.try_next) for edge in edges(contender, "accuracy")] == (
        [] if side is None else [(side, try_next)]
    )


def test_an_edge_of_two_values_says_little(tmp_path: Path) -> None:
    for number, values in enumerate([(1e-4, 1e-3), (1e-4, 5e-4, 1e-3)]):
        one = replace(LORA, points=grid(*values), skills=(*[-1.5] * (len(values) - 1), 1.5))
        folder = fabricate(tmp_path / str(number), replace(SMALL, contenders=(one,)))
        assert found(folder)["search.edge"].severity == ("notice", "warning")[number]


def test_how_well_validation_can_choose_is_worked_out_by_hand(tmp_path: Path) -> None:
    """1.96 and 0.84 of the normal, 0.8463 of three: nothing of it is taken from the lint."""
    one = replace(LORA, points=grid(1e-4, 3e-4, 9e-4), skills=(0.3, 0.31, 0.3))
    folder = fabricate(tmp_path / "s", replace(SMALL, contenders=(one,), validation=300))
    evidence = gather(StudyFolder.open(folder))
    message = choice(evidence.contenders[0], "accuracy")
    assert message is not None
    scores = sorted(point.score("accuracy") or 0 for point in evidence.contenders[0].points)
    fraction = scores[-1]
    assert message.standard_error == pytest.approx(math.sqrt(fraction * (1 - fraction) / 300))
    assert message.optimism == pytest.approx(0.8463 * message.standard_error, rel=1e-4)
    assert message.lead == pytest.approx(scores[-1] - scores[-2])
    answers = [
        point.trials[0].answers("validation")
        for point in evidence.contenders[0].points
        if (point.score("accuracy") or 0) >= scores[-2]
    ]
    right = [one.choices == one.labels for one in answers if one is not None][:2]
    disagree = float((right[0] != right[1]).mean())
    assert message.detectable == pytest.approx(detectable_difference(300, disagree) or 0)
    near = 2.8 * math.sqrt(disagree / 300)  # 1.96 + 0.84 standard errors
    assert message.detectable == pytest.approx(near, rel=0.03)
    finding = found(folder)["search.validation"]
    assert f"± {100 * message.standard_error:.1f} points" in finding.says
    assert f"up to {100 * message.optimism:.1f} points better than it is" in finding.says


def test_seeds_that_differ_are_reported(small: Path) -> None:
    for path in small.glob("trials/*/result.json"):
        settings = json.loads(path.read_text())["settings"]
        if settings["method"]["name"] == "head" and settings["seed"] == 1:
            (path.parent / "COMPLETE.json").unlink()
    kinds = found(small)
    assert kinds["seeds"].says == (
        "The seeds, which also order the data, differ: [0] for head; "
        "[0, 1] for lora rank=16 and full."
    )
    assert kinds["search.trials"].severity == "notice"


def test_steps_that_nothing_explains_are_reported(small: Path) -> None:
    change_trials(small, "full", "result.json", lambda result: result.update(steps=40))
    finding = found(small)["steps"]
    assert finding.says.endswith("[126] for head and lora rank=16; [40] for full.")


@pytest.mark.parametrize("check", ["loss", "answers"])
def test_a_row_that_learned_nothing_at_a_rate_nobody_chose_is_reported(
    small: Path, check: str
) -> None:
    def fell(result: dict[str, Any]) -> None:
        result["checks"] = [{"name": check, "passed": False, "detail": "as at the start"}]

    change_trials(small, "full", "result.json", fell)
    finding = found(small)["default_rate"]
    assert finding.severity == "warning"
    assert finding.says.endswith("0.0001 for full.")
    assert "with learning_rate: auto" in finding.todo
    change_study(small, lambda study: study["settings"].update(training={"learning_rate": 1e-4}))
    assert "default_rate" not in found(small)


def test_other_versions_hardware_hosts_and_threads_are_reported(small: Path) -> None:
    def elsewhere(costs: dict[str, Any]) -> None:
        costs["environment"] |= {"torch": "2.12.0", "processor": "another"}
        costs |= {"host": "elsewhere", "threads": 8, "precision": "bf16"}

    for method in ("head", "lora", "majority", "tfidf"):
        change_trials(
            small,
            method,
            "costs.json",
            lambda costs: (
                costs.update(threads=1, precision="float32"),
                costs["environment"].update(processor="one"),
            ),
        )
    change_trials(small, "full", "costs.json", elsewhere)
    kinds = found(small)
    assert set(kinds) == {
        "machine.versions.torch",
        "machine.hardware",
        "machine.hosts",
        "machine.threads",
        "machine.precision",
    }
    assert all(finding.measured for finding in kinds.values())
    assert "8 for full" in kinds["machine.threads"].says
    assert kinds["machine.hosts"].severity == "notice"
    assert kinds["machine.versions.torch"].says.startswith(
        "Trials ran with different versions of torch: 2.13.0 for majority, tfidf, head and lora"
    )


def test_steps_that_memory_cut_into_parts_are_reported(small: Path) -> None:
    change_trials(
        small, "full", "result.json", lambda r: r["settings"]["training"].update(accumulate=1)
    )
    change_trials(
        small, "lora", "result.json", lambda r: r["settings"]["training"].update(accumulate=1)
    )
    change_trials(small, "full", "costs.json", lambda costs: costs.update(parts_of_a_step=4))
    change_trials(small, "lora", "costs.json", lambda costs: costs.update(parts_of_a_step=1))
    assert found(small)["machine.parts"].values == {"lora rank=16": [1.0], "full": [4.0]}


def test_trials_that_were_trained_with_others_are_reported(small: Path) -> None:
    change_trials(small, "lora", "costs.json", lambda costs: costs.update(together=["a", "b"]))
    finding = found(small)["machine.together"]
    assert finding.values["lora rank=16"] == [2] and finding.values["full"] == [1]
    assert "tfidf" not in finding.values and finding.severity == "notice"


def test_a_test_opened_twice_is_reported(small: Path) -> None:
    path = next(small.glob("tests/*/costs.json"))
    path.write_text(json.dumps({"openings": ["2026-08-22T11:00:00", "2026-08-22T12:00:00"]}))
    mark_complete(path.parent)
    finding = found(small)["test.openings"]
    assert list(finding.values.values()) == [2]
    assert finding.measured


def test_accepted_leakage_is_a_warning(tmp_path: Path) -> None:
    folder = fabricate(tmp_path / "s", replace(SMALL, accept_leakage="two quotes"))
    assert "two quotes" in found(folder)["data.leakage"].says


@pytest.mark.parametrize(
    ("fraction", "severity"), [(0.02, None), (0.04, "notice"), (0.40, "warning")]
)
def test_fractions_of_cut_texts_that_differ_are_reported(
    small: Path, fraction: float, severity: str | None
) -> None:
    change_trials(
        small, "full", "result.json", lambda r: r.update(truncated_share={"train": fraction})
    )
    finding = found(small).get("data.truncated")
    assert (finding and finding.severity) == severity
    if finding:
        assert f"{100 * fraction:.1f} % for full" in finding.says


def test_other_data_and_other_models_of_one_name_are_reported(small: Path) -> None:
    change_trials(
        small, "full", "result.json", lambda r: r["settings"]["data"].update(hash="other")
    )
    change_trials(
        small, "lora", "result.json", lambda r: r["settings"]["model"].update(hash="another")
    )
    kinds = found(small)
    assert kinds["data.hash"].values["full"] == ["other"]
    assert kinds["model.hash"].values["lora rank=16"] == ["another"]


def test_a_lost_point_is_a_notice_and_a_lost_seed_a_warning(tmp_path: Path) -> None:
    point = replace(LORA, fails={(2, 0): ("diverged", "nan")})
    seed = replace(
        LORA,
        name="again",
        skills=(-1.0, 1.5, -1.0),
        fails={(1, 1): ("killed", "9")},
        settings={"rank": 2},
    )
    folder = fabricate(tmp_path / "s", replace(SMALL, contenders=(point, seed)))
    lost = [f for f in fairness(gather(StudyFolder.open(folder))) if f.kind == "trials.lost"]
    assert {one.rows[0]: one.severity for one in lost} == {
        "lora rank=16": "notice",
        "again": "warning",
    }
    assert lost[-1].says == "1 of 4 trials of lora rank=16 did not end well (diverged)."


def test_the_page_the_record_and_the_terminal_tell_it(tmp_path: Path) -> None:
    rising = replace(LORA, skills=(-1.5, 0.0, 1.5))
    seen = look(tmp_path / "s", replace(SMALL, contenders=(TFIDF, rising), validation=200))
    assert seen.verdict.fairness.startswith(
        "Comparability: 1 warning. The best learning_rate of lora"
    )
    assert seen.html.count('<span class="badge bad">warning</span>') == 1
    assert "is the highest of those tried" in seen.html


def test_a_page_without_findings_says_so(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", SMALL)
    assert "Nothing was found that differs between the contenders beside the method" in seen.html
    assert seen.verdict.fairness == CLEAN
