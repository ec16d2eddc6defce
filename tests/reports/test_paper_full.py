"""The paper of a full study: rank by targets by learning rate, on question answering."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.reports.conftest import Seen, grid
from tests.reports.fabricate_written import WrittenPlan, fabricate_written
from tests.reports.test_paper import titles, words

from tunewise.analysis.costs import phases_of
from tunewise.analysis.factors import factors
from tunewise.analysis.facts import Facts
from tunewise.core.sanitize import short_names
from tunewise.reports.charts.labels import Spot, readable
from tunewise.reports.document.model import figures
from tunewise.reports.outputs.paper import Paper, _fitted, _in_legend
from tunewise.reports.outputs.pdf import typeset
from tunewise.statistics.failures import KINDS
from tunewise.store.study import StudyFolder

PLAN = WrittenPlan(validation=60, test=80, samples=2)
LARGE = replace(
    PLAN,
    ranks=(1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64),
    rates=(1e-4, 2e-4),
    seeds=(0, 1),
    epochs=3,
    test=30,
)


def seen(folder: Path, plan: WrittenPlan) -> Seen:
    opened = StudyFolder.open(fabricate_written(folder, plan))
    return Seen(opened, Facts.of(opened))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return seen(tmp_path_factory.mktemp("full") / "study", PLAN)


@pytest.fixture(scope="module")
def paper(full: Seen) -> Paper:
    return full.paper


def test_a_full_study_fills_six_to_eight_pages(paper: Paper) -> None:
    pytest.importorskip("typst")
    assert 6 <= len(typeset(paper, "png", ppi=10)) <= 8


def test_twenty_six_contenders_still_fit_eight_pages(tmp_path: Path) -> None:
    pytest.importorskip("typst")
    large = seen(tmp_path / "large", LARGE)
    assert len(large.results.rows) == 26
    body = tuple(one for one in large.paper.sections if one.key != "theory")  # an appendix is extra
    assert 6 <= len(typeset(replace(large.paper, sections=body), "png", ppi=10)) <= 8


def test_it_has_every_section_that_a_report_of_such_a_study_needs(paper: Paper) -> None:
    assert titles(paper) == [
        "Question",
        "Data",
        "Method and reasons",
        "Results",
        "Training dynamics",
        "Learning rate",
        "Effects of single settings",
        "Search",
        "Significance",
        "Slices of the data",
        "Decoding strategies",
        "Wrong answers",
        "Disagreements",
        "Costs",
        "Memory and time by phase",
        "Comparison with full fine-tuning",
        "Limits",
        "Appendix: the mathematics",
        "Study, environment, reproduction",
    ]


def test_effects_are_those_of_the_stored_answers(full: Seen, paper: Paper) -> None:
    """By hand from the means of the rows: rank 32 against rank 4, over both kinds of targets."""
    mean = {row.name: row.test["f1"].mean for row in full.results.rows}
    by_hand = np.mean(
        [
            mean[f"lora rank=32 targets={targets}"] - mean[f"lora rank=4 targets={targets}"]
            for targets in ("attention", "attention+mlp")
        ]
    )
    found = {(one.setting, str(one.value)): one for one in factors(full.evidence)}
    rank = found["method.rank", "32"]
    assert rank.effect.pairs == 2
    assert rank.effect.difference == pytest.approx(by_hand)
    targets = found["method.targets", "['attention', 'mlp']"]
    assert targets.effect.pairs == 4
    lines = grid(paper, "Effects of single settings", "Effects in points").rows
    assert any(line[2] == "4 → 32" and line[5] == f"{100 * by_hand:+.1f}" for line in lines) or (
        by_hand < 0
    )


def test_a_searched_setting_is_reported_on_validation_without_a_claim_on_seeds(full: Seen) -> None:
    searched = [one for one in factors(full.evidence) if one.searched]
    assert {one.setting for one in searched} == {"training.learning_rate"}
    assert {one.split for one in searched} == {"validation"}
    lora = next(one for one in searched if (one.method, one.value) == ("lora", 2e-4))
    by_hand = np.mean(
        [
            (contender.points[1].score("f1") or 0) - (contender.points[0].score("f1") or 0)
            for contender in full.evidence.contenders
            if contender.method == "lora"
        ]
    )
    assert lora.effect.pairs == 8
    assert lora.effect.difference == pytest.approx(by_hand)
    assert lora.effect.method is None and lora.effect.p is None


def test_the_epoch_in_which_validation_loss_turns_is_reported_for_every_trained_row(
    full: Seen, paper: Paper
) -> None:
    lines = {line[0]: line for line in grid(paper, "Training dynamics", "Validation loss").rows}
    trained = [c for c in full.evidence.contenders if c.parameters and c.parameters.trainable]
    assert set(lines) == {contender.name for contender in trained}
    for contender in trained:
        curves = [
            [epoch.validation["loss"] or 0.0 for epoch in trial.record.result.epochs]
            for trial in contender.finished
        ]
        mean = np.mean(curves, axis=0)
        assert lines[contender.name][2] == str(int(mean.argmin()) + 1)
        assert lines[contender.name][3] == f"{mean[-1]:.3f}"


def test_decoding_stands_there_for_the_best_of_two_methods(full: Seen, paper: Paper) -> None:
    lines = grid(paper, "Decoding strategies", "Decoding strategies").rows
    assert len(lines) == 2 * len(PLAN.decoding)
    first, second = dict.fromkeys(line[0] for line in lines)
    assert first == full.results.rows[0].name
    methods = {row.name: row.method for row in full.results.rows}
    assert methods[first] != methods[second]


def test_failures_are_shown_by_kind_with_examples(paper: Paper) -> None:
    fractions = grid(paper, "Wrong answers", "Wrong answers by kind")
    examples = grid(paper, "Wrong answers", "How ")
    assert list(fractions.header[2:]) == list(KINDS)
    assert len(examples.rows) > 0 and all(all(line) for line in examples.rows)


def test_slices_are_by_question_word_where_the_study_names_none(paper: Paper) -> None:
    lines = grid(paper, "Slices of the data", "F1 by slice").rows
    words_asked = {line[0].removeprefix("question word: ") for line in lines}
    assert words_asked == {"who", "what", "when", "where", "how"}
    assert sum(int(line[1]) for line in lines) == PLAN.test


def test_memory_and_time_are_reported_by_phase_where_they_were_measured(
    full: Seen, paper: Paper, tmp_path: Path
) -> None:
    lines = {
        line[0]: line
        for line in grid(paper, "Memory and time by phase", "Memory by what holds it").rows
    }
    assert "untuned" not in lines
    assert lines["full"][1:5] == ["498 MB", "498 MB", "996 MB", "90.0 MB"]
    assert {one.peak_phase for one in phases_of(full.evidence, full.results)} <= {
        "backward",
        "update",
    }
    small = replace(PLAN, phases=False, ranks=(4,), seeds=(0,), test=20, decoding=("greedy",))
    plain = seen(tmp_path / "s", small).paper
    assert "Memory by what holds it" not in words(plain)
    assert "Decoding strategies" not in titles(plain)


def test_figures_of_a_section_have_one_legend(paper: Paper) -> None:
    made = {figure.key: figure.spec for figure in paper.figures}
    for section in paper.sections:
        legends = [
            names for figure in figures([section]) if (names := _in_legend(made[figure.key]))
        ]
        assert len(legends) == len(set(legends))


def test_names_in_figures_are_whole_and_differ(full: Seen, paper: Paper) -> None:
    for figure in paper.figures:
        assert "targets=" not in str(figure.spec)
    short = short_names([row.name for row in full.results.rows])
    assert len(set(short.values())) == len(short) == 8


def test_a_name_is_exchanged_only_where_it_is_all_of_a_value() -> None:
    spec = {"mark": "rank=4", "height": 100, "expr": "a rank=4 b", "rank=4": ["rank=4", 4]}
    made = _fitted(spec, {"rank=4": "4"}, legend=True)
    assert made == {"mark": "4", "height": 68, "expr": "a rank=4 b", "rank=4": ["4", 4]}


def test_names_that_would_become_the_same_stay_as_they_are() -> None:
    assert short_names(["lora rank=4", "lora alpha=4"]) == {}


def test_of_two_names_that_would_overlap_the_first_stays() -> None:
    spots = [Spot(1, 0.5, "one"), Spot(1.01, 0.5, "two"), Spot(100, 0.9, "three")]
    assert readable(spots, width=200, height=100, logarithmic=True) == [True, False, True]


def test_no_table_is_longer_than_a_page(paper: Paper) -> None:
    """No table is longer than a page: Typst does not break one that floats."""
    for section in paper.plain()["sections"]:
        for block in section["blocks"]:
            assert len(block.get("rows", ())) <= 26
    assert not re.search(r"\{(columns|prompt|limit|labels|squad)\}", words(paper))
