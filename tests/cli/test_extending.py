"""``--budget`` and ``--more``: what they mean for a study, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tunewise.cli.extending import budget_override, more_seeds
from tunewise.cli.finish import show_end
from tunewise.core.errors import InputError
from tunewise.store.records import BudgetRecord, StudyRecord
from tunewise.store.study import StudyFolder
from tunewise.studies.jobs import Progress
from tunewise.studies.launch import Outcome
from tunewise.studyfile.studyfile import read_study

STUDY: dict[str, Any] = {
    "name": "more",
    "task": {"kind": "classification", "text": "text", "label": "label"},
    "data": {"source": "embedded:reviews"},
    "methods": ["majority"],
}


@pytest.mark.parametrize("budget", ["soon", "+3 trials", "-5min", ""])
def test_what_is_no_budget_is_refused_with_the_option(budget: str) -> None:
    with pytest.raises(InputError, match=r"--budget: found"):
        budget_override(budget)


def test_a_plus_adds_seconds_and_sets_nothing() -> None:
    assert budget_override("+90min") == ([], 5400.0)
    assert budget_override("2 trials") == (['budget="2 trials"'], 0.0)


@pytest.mark.parametrize(
    ("seeds", "more", "expected"),
    [([0], "seeds=2", [0, 1, 2]), ([3, 1], "seeds=1", [3, 1, 0]), ([0, 1], "seeds=1", [0, 1, 2])],
)
def test_further_seeds_are_the_lowest_that_are_free(
    seeds: list[int], more: str, expected: list[int], tmp_path: Path
) -> None:
    settings = read_study({**STUDY, "seeds": seeds})
    assert more_seeds(more, settings, tmp_path / "none") == f"seeds={expected}"


@pytest.mark.parametrize("more", ["2", "seeds", "seeds=0", "seeds=two", "rows=3"])
def test_what_is_no_number_of_seeds_is_refused(more: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--more: found .*--more seeds=2"):
        more_seeds(more, read_study(STUDY), tmp_path)


def test_a_budget_that_preparing_has_eaten_up_says_so_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = StudyFolder.create(tmp_path / "late")
    folder.write_study(StudyRecord("late", budget=BudgetRecord(300.0, stopped=300.0)), "")
    outcome = Outcome(Progress(0, 0, 0, 0, 0, contenders=2, contenders_failed=0))
    show_end(folder.path, outcome)
    assert outcome.exit_code == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "The budget of 5 min was spent before anything was trained" in said
    assert "`--budget +10min` adds to it." in said
