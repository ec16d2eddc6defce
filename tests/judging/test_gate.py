"""The gate keeps its error over all looks, and says one thing in Python, JSON and exit codes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from tests.judging.made import rows_of, write_lines

import tunewise
from tunewise.cli.main import main
from tunewise.core.errors import InputError
from tunewise.judging.gate import Gate
from tunewise.statistics.looks import TOTAL, fraction_of_look, level_of_look

ALPHA = 0.05
LABELS = np.arange(400) % 3
BEST = np.arange(400) % 5 != 0  # right on 80 %


def turned(won: int, lost: int) -> np.ndarray:
    """The best with so many wrong answers won and right ones lost."""
    right = BEST.copy()
    right[np.flatnonzero(~BEST)[:won]] = True
    right[np.flatnonzero(BEST)[:lost]] = False
    return right


def rows(right: np.ndarray) -> list[dict[str, Any]]:
    return rows_of(right, LABELS)


def test_the_fractions_of_all_looks_sum_to_one() -> None:
    first = np.arange(2.0, 2_000_000.0)
    rest = 1 / np.log(first[-1] + 0.5)  # the integral of what is left
    assert (1 / (first * np.log(first) ** 2)).sum() + rest == pytest.approx(TOTAL, abs=1e-8)
    levels = [level_of_look([False] * earlier) for earlier in range(200)]
    assert sum(levels) < ALPHA and levels[0] > 0.49 * ALPHA
    assert levels == sorted(levels, reverse=True)


@pytest.mark.parametrize("kept", [[True] * 40, [True, False] * 20, [False] * 39 + [True]])
def test_what_keeps_hands_on_no_more_than_it_had(kept: list[bool]) -> None:
    """The levels of looks that keep nothing never sum to more than the error."""
    levels = [level_of_look(kept[:look]) for look in range(len(kept))]
    spent = sum(level for level, better in zip(levels, kept, strict=True) if not better)
    future = kept + [False] * 150
    spent += sum(level_of_look(future[:look]) for look in range(len(kept), len(future)))
    assert spent <= ALPHA
    assert all(
        level >= ALPHA * fraction_of_look(look) for look, level in enumerate(levels, start=1)
    )


def test_a_look_is_mcnemars_exact_test_of_one_side(tmp_path: Path) -> None:
    gate = tunewise.Gate(tmp_path / "state.json")
    first = gate.look(rows(turned(20, 14)), rows(BEST))
    assert first.p == pytest.approx(binomtest(20, 34, alternative="greater").pvalue)
    assert first.p_worse == pytest.approx(1 - first.p)
    assert (first.decision, first.level) == ("tied", level_of_look([]))
    second = gate.look(rows(turned(5, 40)), rows(BEST))
    assert (second.decision, second.look, second.level) == ("worse", 2, level_of_look([False]))
    third = gate.look(rows(turned(40, 5)), rows(BEST))
    assert (third.decision, third.keep, third.level) == ("better", True, level_of_look([False] * 2))
    fourth = gate.look(rows(turned(41, 5)), rows(turned(40, 5)))
    assert fourth.level == level_of_look([False, False, True]) > ALPHA * fraction_of_look(4)


def test_the_same_answers_again_spend_nothing(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "state.json")
    once = gate.look(rows(turned(20, 14)), rows(BEST))
    again = gate.look(rows(turned(20, 14)), rows(BEST))
    assert again.repeated and again.line() == {**once.line(), "repeated": True}
    assert gate.look(rows(turned(21, 14)), rows(BEST)).look == 2


def test_without_a_state_a_look_is_a_test_of_two_sides() -> None:
    found = Gate(None).look(rows(turned(30, 15)), rows(BEST))
    assert (found.level, found.level_worse) == (ALPHA / 2, ALPHA / 2)


def test_several_seeds_must_be_ahead_over_seeds_too(tmp_path: Path) -> None:
    best = [rows(turned(n, 0)) for n in (0, 30)]
    found = Gate(None).look([rows(turned(n, 0)) for n in (60, 20)], best)
    assert found.decision == "tied" and "Student's t" in found.test


def test_another_error_or_metric_needs_another_state(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    Gate(path).look(rows(turned(9, 8)), rows(BEST))
    with pytest.raises(InputError, match=r"state\.json: has alpha = 0\.05, not 0\.1"):
        Gate(path, alpha=0.1).look(rows(BEST), rows(BEST))
    with pytest.raises(InputError, match="has metric = accuracy, not f1_macro"):
        Gate(path).look(rows(BEST), rows(BEST), metric="f1_macro")
    path.write_text(path.read_text().replace('"tied"', '"better"'))
    with pytest.raises(InputError, match="no state of a gate"):
        Gate(path).look(rows(BEST), rows(BEST))


def test_the_command_prints_one_line_and_exits_by_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    best = write_lines(tmp_path / "best.jsonl", rows(BEST))
    for right, decision, code in (
        (turned(60, 5), "better", 0),
        (turned(9, 8), "tied", 3),
        (turned(5, 80), "worse", 4),
    ):
        new = write_lines(tmp_path / "new.jsonl", rows(right))
        arguments = ["tunewise", "judge", str(new), "--against", str(best)]
        monkeypatch.setattr(sys, "argv", [*arguments, "--gate", str(tmp_path / "state.json")])
        with pytest.raises(SystemExit) as ended:
            main()
        lines = capsys.readouterr().out.splitlines()
        assert (ended.value.code, len(lines)) == (code, 1)
        assert json.loads(lines[0])["decision"] == decision
