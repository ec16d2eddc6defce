"""What is called enough, best or finished, and what is said where neither is known."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.reports.conftest import Seen, look
from tests.reports.fabricate import CONTENDERS, Invented, Plan

from tunewise.analysis.facts import Facts
from tunewise.analysis.gather import gather
from tunewise.analysis.results import results_of
from tunewise.analysis.verdict.verdict import Verdict, verdict
from tunewise.reports.outputs.dashboard import Line
from tunewise.reports.outputs.record import record

MAJORITY, TFIDF, HEAD, LORA, FULL = CONTENDERS


def at(contender: Invented, skill: float) -> Invented:
    return replace(contender, skills=(skill,), points=contender.points[:1], fails={})


def near(margin: float | None, test: int = 600) -> Plan:
    """TF-IDF and LoRA of like skill."""
    plan = Plan(contenders=(MAJORITY, at(TFIDF, 0.31), at(LORA, 0.3)), validation=60, epochs=2)
    return replace(plan, test=test, margin=margin)


@pytest.mark.parametrize(("margin", "is_enough"), [(0.15, True), (0.01, False), (None, False)])
def test_enough_is_stated_by_the_equivalence_test_and_by_nothing_else(
    tmp_path: Path, margin: float | None, is_enough: bool
) -> None:
    seen = look(tmp_path / "s", near(margin))
    (pair,) = [row.to_best for row in seen.results.rows[:2] if row.to_best]
    if margin is None:
        assert pair.equivalence is None
    else:
        assert pair.equivalence is not None
        low, high = pair.equivalence.interval
        assert (-margin < low and high < margin) == is_enough
    assert seen.verdict.enough == ("tfidf" if is_enough else None)
    assert ("is enough:" in seen.verdict.headline) == is_enough
    if is_enough:
        assert seen.verdict.headline.startswith("TF-IDF is enough: its accuracy is that of lora")
        assert "within 15.0 points" in seen.verdict.headline


def test_a_gap_that_chance_may_explain_leaves_enough_open(tmp_path: Path) -> None:
    """Even 7 points on 100 examples are reported as not shown, with the interval."""
    plan = Plan(contenders=(MAJORITY, at(TFIDF, 0.3), at(LORA, 0.7)), test=100, seeds=(0,))
    seen = look(tmp_path / "s", plan)
    row = next(row for row in seen.results.rows if row.name == "tfidf")
    assert row.standing == "tied" and row.to_best is not None
    assert row.to_best.difference < -0.05
    assert (
        "Whether TF-IDF is enough is not known: lora rank=16 is 7.0 points ahead of it (95 %"
        in (seen.verdict.headline)
    )
    assert "examples would show it" in (seen.verdict.outlook or "")


def test_what_is_shown_to_be_behind_is_never_enough(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", Plan(contenders=(MAJORITY, TFIDF, at(FULL, 1.5)), margin=0.01))
    assert seen.verdict.enough is None
    assert "enough" not in seen.verdict.headline


def test_a_model_that_learned_nothing_proves_nothing_enough(tmp_path: Path) -> None:
    """All answer the majority class: within any margin of guessing, and no evidence for it."""
    fell = replace(at(FULL, 0.0), checks=({"name": "answers", "passed": False},))
    seen = look(tmp_path / "s", Plan(contenders=(at(TFIDF, 0.0), fell), margin=0.3))
    assert any(row.to_best and row.to_best.equivalence for row in seen.results.rows)
    assert seen.verdict.enough is None
    assert "enough" not in seen.verdict.headline


def test_one_seed_makes_the_best_the_best_as_trained(tmp_path: Path) -> None:
    one = look(tmp_path / "one", Plan(contenders=(MAJORITY, at(FULL, 1.5)), seeds=(0,)))
    assert one.verdict.headline.startswith("For these checkpoints, full is best with")
    more = look(tmp_path / "more", Plan(contenders=(MAJORITY, at(FULL, 1.5))))
    assert more.verdict.headline.startswith("full is best with")


def test_ahead_of_every_other_leaves_out_what_has_no_score(tmp_path: Path) -> None:
    lost = replace(at(LORA, 0.0), fails={(0, 0): ("out-of-memory", "8 GiB")})
    seen = look(tmp_path / "s", Plan(contenders=(MAJORITY, at(FULL, 1.5), lost)))
    assert "ahead of every other contender that has a score." in seen.verdict.headline


def test_of_a_loss_the_lowest_comes_first_and_its_lead_is_positive(tmp_path: Path) -> None:
    plan = Plan(contenders=(MAJORITY, at(LORA, -0.5), at(FULL, 1.5)), metrics=("loss", "accuracy"))
    seen = look(tmp_path / "s", plan)
    assert seen.verdict.best == "full"
    assert "full is best with a loss of" in seen.verdict.headline
    assert "nats ahead of" in seen.verdict.certainty[0]
    assert "interval +" in seen.verdict.certainty[0]
    assert "comes first by accuracy" in paper_words(seen)


def paper_words(seen: Seen) -> str:
    return json.dumps(seen.paper.plain())


@pytest.fixture
def unfinished(tmp_path: Path) -> Seen:
    """Full's tests have not been opened yet; all others have."""
    seen = look(tmp_path / "s", Plan(seeds=(0, 1), test=120, validation=80, epochs=2))
    full = next(one for one in seen.evidence.contenders if one.name == "full")
    for trial in full.finished:
        shutil.rmtree(seen.folder.test_folder(trial.record.id))
    evidence = gather(seen.folder)
    return Seen(seen.folder, Facts(evidence))


def test_an_unfinished_study_names_nobody_as_the_best(unfinished: Seen) -> None:
    message: Verdict = unfinished.verdict
    assert message.headline.startswith(
        "Not finished: 2 tests of full are still to come. So far lora rank=16 scores highest"
    )
    for word in (" is best", "enough", "cheapest", "ahead of every"):
        assert word not in message.headline
    assert (message.finished, message.to_come) == (False, {"full": (0, 2)})
    assert message.enough is None


def test_every_output_of_an_unfinished_study_is_marked(unfinished: Seen) -> None:
    first_screen = unfinished.html.partition("<main>")[0]
    assert "Tunewise report: not finished" in first_screen
    assert '<span class="badge good">best so far</span>' in unfinished.html
    content = record(unfinished.facts)
    assert content["verdict"]["finished"] is False
    assert content["verdict"]["to_come"] == {"full": [0, 2]}
    assert "which has not finished" in paper_words(unfinished)
    line = Line(1, "rooms", "x", "", unfinished.results, "", has_report=False, has_pdf=False)
    assert line.best == "lora rank=16 (so far)"
    assert line.score_of_best.startswith("6") or line.score_of_best[0].isdigit()


def test_a_finished_study_is_marked_nowhere(rooms: Seen) -> None:
    assert rooms.verdict.finished
    assert "ot finished" not in rooms.html
    assert "so far" not in rooms.verdict.headline


def test_a_recommendation_is_so_far_while_rows_are_missing(
    tmp_path: Path, unfinished: Seen
) -> None:
    path = unfinished.folder.path / "study.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "require": {"artefact": 1e9}}))
    evidence = gather(unfinished.folder)
    within = verdict(evidence, results_of(evidence)).within
    assert within is not None
    assert within.says.endswith("lora rank=16 is the one to take so far.")
