from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.reports.conftest import Seen, look
from tests.reports.fabricate import CONTENDERS, Invented, Plan

from tunewise.analysis.verdict.sentences import why_narrower
from tunewise.analysis.verdict.verdict import verdict
from tunewise.statistics.intervals import Interval
from tunewise.statistics.pairs import Pair

MAJORITY, TFIDF, HEAD, LORA, FULL = CONTENDERS


def at(contender: Invented, skill: float, **changes: object) -> Invented:
    """The contender with one search point and this skill."""
    return replace(contender, skills=(skill,), points=contender.points[:1], fails={}, **changes)  # type: ignore[arg-type]  # the caller names fields


def test_the_best_is_named_with_those_tied_and_the_cheapest_of_them(rooms: Seen) -> None:
    assert rooms.verdict.best == "full"
    assert rooms.verdict.tied == ("lora rank=16",)
    assert rooms.verdict.cheapest == "lora rank=16"
    assert "lora rank=16 is not significantly different" in rooms.verdict.headline
    assert rooms.verdict.headline.endswith("cheapest of them; it is not shown to be equally good.")


def test_of_equally_cheap_leaders_the_better_one_is_named(tmp_path: Path) -> None:
    twin = at(LORA, 0.72, name="lora twin", settings={"rank": 16, "dropout": 0.1})
    seen = look(tmp_path / "s", Plan(contenders=(MAJORITY, twin, at(LORA, 0.72))))
    assert seen.verdict.tied
    assert seen.verdict.cheapest == seen.verdict.best
    assert seen.verdict.headline.endswith("is also the cheapest of them.")


def test_there_is_one_sentence_about_the_models_and_one_about_the_methods(rooms: Seen) -> None:
    models, methods = rooms.verdict.certainty
    assert models.startswith("These checkpoints: on the 600 examples of the test split")
    assert methods.startswith("The methods: with other seeds and other examples")
    assert "95 %" in models and "95 %" in methods


def test_a_clear_winner_is_called_best(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", Plan(contenders=(MAJORITY, TFIDF, at(FULL, 1.5))))
    assert seen.verdict.tied == ()
    assert "full is best" in seen.verdict.headline
    assert seen.verdict.cost is None


def test_two_seeds_that_cannot_speak_for_the_method_do_not_make_a_tie(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", Plan(contenders=(MAJORITY, at(LORA, 1.2)), seeds=(0, 1)))
    assert seen.verdict.tied == ()
    assert seen.verdict.enough is None
    standing = {row.name: row.standing for row in seen.results.rows}["majority"]
    assert standing in {"not-shown-over-seeds", "behind"}
    assert "not significantly different" not in seen.verdict.headline


def test_a_check_that_failed_is_reported(tmp_path: Path) -> None:
    odd = replace(LORA, checks=({"name": "head saved", "passed": False, "detail": "no head"},))
    seen = look(tmp_path / "s", Plan(contenders=(TFIDF, odd), seeds=(0,)))
    note = "The check “head saved” failed for lora rank=16, seed 0: no head."
    assert note in seen.verdict.notes


def test_one_seed_says_why_the_method_is_not_testable(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", Plan(seeds=(0,)))
    assert "one seed" in seen.verdict.certainty[1]
    assert "p =" not in seen.verdict.certainty[1]


def test_without_a_test_split_the_verdict_says_that_it_rests_on_validation(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", Plan(has_test=False))
    assert seen.results.split == "validation"
    assert any("rests on the validation split" in note for note in seen.verdict.notes)


def test_accepted_leakage_is_repeated(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", Plan(accept_leakage="two quotes stand in both"))
    assert any("two quotes stand in both" in note for note in seen.verdict.notes)


def test_who_had_no_time_did_not_fail_and_can_have_more(rooms: Seen) -> None:
    rows = [
        replace(row, status="out of time") if row.name == "full" else row
        for row in rooms.results.rows
    ]
    notes = verdict(rooms.evidence, replace(rooms.results, rows=tuple(rows))).notes
    (about,) = (note for note in notes if note.startswith("full"))
    assert "failed" not in about and "--budget +5min" in about


def test_what_always_says_the_same_is_nobodys_cheaper_choice(tmp_path: Path) -> None:
    plan = Plan(contenders=(MAJORITY, at(LORA, -1.0)), test=120, seeds=(0,))
    seen = look(tmp_path / "s", plan)
    assert seen.verdict.best == "lora rank=16" and seen.verdict.tied == ("majority",)
    assert seen.verdict.cheapest == seen.verdict.fastest == "lora rank=16"


def test_what_always_says_the_same_is_no_winner(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", Plan(contenders=(MAJORITY, at(LORA, -1.2)), test=60, seeds=(0,)))
    assert seen.verdict.best == "majority"
    says = "Nothing is shown to be better than guessing the majority class, which reaches 23.3 %"
    assert seen.verdict.headline.startswith(says)


def test_failed_contenders_are_named(tmp_path: Path) -> None:
    lost = replace(LORA, points=LORA.points[:1], fails={(0, 0): ("timed-out", "1 h passed.")})
    seen = look(tmp_path / "s", Plan(contenders=(MAJORITY, TFIDF, lost)))
    assert "lora rank=16 failed (timed-out)." in seen.verdict.notes
    assert seen.verdict.best == "tfidf"


def test_an_empty_study_has_a_verdict_too(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", Plan(ran=False))
    assert seen.verdict.best is None
    assert seen.verdict.headline.startswith("Not finished: 17 trainings and 11 tests of majority")
    assert seen.verdict.headline.endswith("No contender has a result yet.")


@pytest.mark.parametrize("only", [MAJORITY, LORA])
def test_a_single_contender_is_not_compared(tmp_path: Path, only: Invented) -> None:
    seen = look(tmp_path / "s", Plan(contenders=(only,)))
    assert seen.verdict.certainty == ()
    assert "nothing to compare it with" in seen.verdict.headline


def narrow(pair: Pair, width: float) -> str:
    """The word on a method's interval of this width, beside one of 4 points over examples."""
    examples = replace(pair.items, interval=Interval(-0.04, 0.0))
    method = replace(pair.method, interval=Interval(-0.02 - width / 2, -0.02 + width / 2))
    return why_narrower(replace(pair, items=examples, method=method), seeds=2)


def test_a_method_interval_narrower_than_that_of_the_models_is_explained(rooms: Seen) -> None:
    pair = rooms.results.rows[1].to_best
    assert pair is not None
    assert narrow(pair, 0.01).startswith(" This interval is narrower than that of these")
    assert "the spread over 2 seeds is itself only estimated" in narrow(pair, 0.01)
    assert narrow(pair, 0.05) == ""
    untold = replace(pair, method=replace(pair.method, interval=None))
    assert why_narrower(untold, seeds=1) == ""
