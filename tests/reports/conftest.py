"""Invented studies, written once and read by many tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.reports.fabricate import Plan, fabricate

from tunewise.reports.evidence import Evidence, gather
from tunewise.reports.results import Results, results_of
from tunewise.reports.verdict import Verdict, verdict
from tunewise.store.study import StudyFolder


@dataclass(frozen=True)
class Seen:
    """A study folder and all that reports make of it before anything is written."""

    folder: StudyFolder
    evidence: Evidence
    results: Results
    verdict: Verdict


def look(path: Path, plan: Plan | None = None) -> Seen:
    """Invent a study and read it."""
    folder = StudyFolder.open(fabricate(path, plan))
    evidence = gather(folder)
    results = results_of(evidence)
    return Seen(folder, evidence, results, verdict(evidence, results))


@pytest.fixture(scope="session")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Five contenders, three seeds, a test split; `full` failed at one search point."""
    return look(tmp_path_factory.mktemp("rooms") / "study")
