"""What the detectors found, as the report tells it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.reports.conftest import Seen, look
from tests.reports.fabricate import CONTENDERS, Plan

from tunewise.analysis.checks import checks


def check(name: str, passed: bool | None, detail: str = "so it was.") -> dict[str, Any]:
    return {"name": name, "passed": passed, "detail": detail}


def study(folder: Path, *found: dict[str, Any]) -> Seen:
    odd = replace(CONTENDERS[3], checks=found)
    return look(folder, Plan(contenders=(CONTENDERS[1], odd), seeds=(0, 1), test=60, validation=60))


def test_a_finding_stands_in_a_section_of_its_own(tmp_path: Path) -> None:
    lost = check("saved", False, "3 numbers are saved of 9 trained.")
    seen = study(tmp_path / "s", check("moved", True), check("start", None), lost)
    [finding] = checks(seen.evidence).findings
    assert (finding.contender, finding.check) == ("lora rank=16", "What was trained is saved")
    assert (finding.trials, finding.judged) == (4, 4)  # three points and a second seed
    assert 'id="checks"' in seen.html
    assert "3 numbers are saved of 9 trained." in seen.html
    [note] = [note for note in seen.verdict.notes if "What was trained is saved" in note]
    assert note == (
        "The check “What was trained is saved” failed in 2 trainings, of lora rank=16. "
        "The first is lora rank=16, seed 0: 3 numbers are saved of 9 trained."
    )


def test_what_could_not_be_judged_is_no_finding(tmp_path: Path) -> None:
    seen = study(tmp_path / "s", check("start", None), check("moved", True))
    found = checks(seen.evidence)
    assert (found.trials, found.findings) == (4, ())
    assert "Nothing was found." in seen.html
    assert not [note for note in seen.verdict.notes if "The check" in note]


def test_without_checks_there_is_no_section(tmp_path: Path) -> None:
    assert 'id="checks"' not in study(tmp_path / "s").html
