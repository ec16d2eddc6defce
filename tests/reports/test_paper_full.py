"""The paper of a full study: rank by targets by learning rate, on question answering."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.reports.conftest import Seen
from tests.reports.fabricate_written import WrittenPlan, fabricate_written
from tests.reports.test_paper import titles, words, written

from tunewise.core.sanitize import short_names
from tunewise.reports.charts.drawing import Chart
from tunewise.reports.charts.labels import Spot, readable
from tunewise.reports.document import Figure, Grid, Paper
from tunewise.reports.facts.evidence import gather
from tunewise.reports.facts.factors import factors
from tunewise.reports.facts.phases import phases_of
from tunewise.reports.facts.results import results_of
from tunewise.reports.facts.verdict.verdict import verdict
from tunewise.reports.outputs.paper import paper as paper_of
from tunewise.reports.outputs.pdf import typeset
from tunewise.reports.sections.figures import fitted, paper_charts
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
    evidence = gather(opened)
    results = results_of(evidence)
    return Seen(opened, evidence, results, verdict(evidence, results))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return seen(tmp_path_factory.mktemp("full") / "study", PLAN)


@pytest.fixture(scope="module")
def drawings(full: Seen) -> list[Chart]:
    return paper_charts(full.evidence, full.results)


@pytest.fixture(scope="module")
def paper(full: Seen, drawings: list[Chart]) -> Paper:
    return paper_of(full.evidence, full.results, full.verdict, drawings)


def grid(text: Paper, title: str, caption: str) -> Grid:
    section = next(one for one in text.sections if one.title == title)
    return next(b for b in section.blocks if isinstance(b, Grid) and b.caption.startswith(caption))


def test_a_full_study_fills_six_to_eight_pages(paper: Paper, drawings: list[Chart]) -> None:
    pytest.importorskip("typst")
    assert 6 <= len(typeset(paper, drawings, "png", ppi=10)) <= 8


def test_twenty_six_contenders_still_fit_eight_pages(tmp_path: Path) -> None:
    pytest.importorskip("typst")
    large = seen(tmp_path / "large", LARGE)
    assert len(large.results.rows) == 26
    drawn = paper_charts(large.evidence, large.results)
    text = paper_of(large.evidence, large.results, large.verdict, drawn)
    assert 6 <= len(typeset(text, drawn, "png", ppi=10)) <= 8


def test_it_has_every_section_that_a_report_of_such_a_study_needs(paper: Paper) -> None:
    assert titles(paper) == [
        "Question",
        "Data",
        "Method and reasons",
        "Results",
        "Slices of the data",
        "Training dynamics",
        "Ablation",
        "Significance",
        "Decoding",
        "Failures and disagreements",
        "Cost",
        "Comparison with full fine-tuning",
        "Limits",
        "Repeating it",
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
    lines = grid(paper, "Ablation", "Effects of single settings").rows
    assert any(line[1] == "4 → 32" and line[3] == f"{100 * by_hand:+.1f}" for line in lines) or (
        by_hand < 0
    )


def test_a_searched_setting_is_told_on_validation_without_a_claim_on_seeds(full: Seen) -> None:
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


def test_the_epoch_in_which_validation_loss_turns_is_told_for_every_trained_row(
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
    lines = grid(paper, "Decoding", "Ways of decoding").rows
    assert len(lines) == 2 * len(PLAN.decoding)
    first, second = dict.fromkeys(line[0] for line in lines)
    assert first == full.results.rows[0].name
    methods = {row.name: row.method for row in full.results.rows}
    assert methods[first] != methods[second]


def test_failures_are_shown_by_kind_with_examples(paper: Paper) -> None:
    shares = grid(paper, "Failures and disagreements", "Wrong answers")
    examples = grid(paper, "Failures and disagreements", "How ")
    assert {line[0] for line in examples.rows} <= set(shares.header[2:])
    assert all(len(line) == 4 and all(line) for line in examples.rows)


def test_slices_are_by_question_word_where_the_study_names_none(paper: Paper) -> None:
    lines = grid(paper, "Slices of the data", "F1 by slice").rows
    words_asked = {line[0].removeprefix("question word: ") for line in lines}
    assert words_asked == {"who", "what", "when", "where", "how"}
    assert sum(int(line[1]) for line in lines) == PLAN.test


def test_memory_and_time_are_told_by_phase_where_they_were_measured(
    full: Seen, paper: Paper, tmp_path: Path
) -> None:
    lines = {line[0]: line for line in grid(paper, "Cost", "Memory by what holds it").rows}
    assert "untuned" not in lines
    assert lines["full"][1:5] == ("498 MB", "498 MB", "996 MB", "90.0 MB")
    assert {one.peak_phase for one in phases_of(full.evidence, full.results)} <= {
        "backward",
        "update",
    }
    small = replace(PLAN, phases=False, ranks=(4,), seeds=(0,), test=20, decoding=("greedy",))
    plain = written(seen(tmp_path / "s", small))
    assert "Memory by what holds it" not in words(plain)
    assert "Decoding" not in titles(plain)


def test_every_figure_has_a_chart_and_colours_are_told_once_a_section(
    paper: Paper, drawings: list[Chart]
) -> None:
    assert set(paper.figures) <= {chart.key for chart in drawings}
    for section in paper.sections:
        drawn = [block for block in section.blocks if isinstance(block, Figure)]
        for figure in drawn:
            told = figure.colours_of is not None
            assert told == ("colours as in Fig." in figure.caption)
            assert figure.colours_of is None or figure.colours_of in {one.key for one in drawn}


def test_names_in_figures_are_whole_and_differ(full: Seen, drawings: list[Chart]) -> None:
    for chart in drawings:
        text = str(chart.spec)
        assert "targets=" not in text
    short = short_names([row.name for row in full.results.rows])
    assert len(set(short.values())) == len(short) == 8


def test_a_name_is_exchanged_only_where_it_is_all_of_a_value() -> None:
    spec = {"mark": "rank=4", "height": 100, "expr": "a rank=4 b", "rank=4": ["rank=4", 4]}
    made = fitted(spec, {"rank=4": "4"}, legend=True)
    assert made == {"mark": "4", "height": 68, "expr": "a rank=4 b", "rank=4": ["4", 4]}


def test_names_that_would_become_the_same_stay_as_they_are() -> None:
    assert short_names(["lora rank=4", "lora alpha=4"]) == {}


def test_of_two_names_that_would_overlap_the_first_stays() -> None:
    spots = [Spot(1, 0.5, "one"), Spot(1.01, 0.5, "two"), Spot(100, 0.9, "three")]
    assert readable(spots, width=200, height=100, logarithmic=True) == [True, False, True]


def test_no_table_is_longer_than_a_page(paper: Paper) -> None:
    """No table is longer than a page: Typst does not break one that floats."""
    longest = max(
        len(block.rows)
        for section in paper.sections
        for block in section.blocks
        if isinstance(block, Grid)
    )
    assert longest <= 26
    assert not re.search(r"\{(columns|prompt|limit|labels|squad)\}", words(paper))
