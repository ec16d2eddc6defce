"""Invented studies, written once and read by many tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pytest
from tests.reports.fabricate import CONTENDERS, Plan, fabricate
from tests.reports.hostile import HOSTILE, MARKUP, TEMPLATES

from tunewise.reports.charts.all import charts
from tunewise.reports.charts.drawing import Chart
from tunewise.reports.facts.evidence import Evidence, gather
from tunewise.reports.facts.results import Results, results_of
from tunewise.reports.facts.verdict.verdict import Verdict, verdict
from tunewise.reports.outputs.html import html
from tunewise.store.study import StudyFolder


@dataclass(frozen=True)
class Seen:
    """A study folder and all that reports make of it before anything is written."""

    folder: StudyFolder
    evidence: Evidence
    results: Results
    verdict: Verdict

    @cached_property
    def charts(self) -> list[Chart]:
        return charts(self.evidence, self.results)

    @cached_property
    def html(self) -> str:
        return html(self.evidence, self.results, self.verdict, self.charts)


def hostile_plan() -> Plan:
    """Hostile texts, label names, contender names, errors and reasons; sound numbers."""
    names = iter(TEMPLATES)
    contenders = tuple(
        replace(
            contender,
            name=f"{number} {next(names)}",
            fails={place: (status, MARKUP[4]) for place, (status, _) in contender.fails.items()},
        )
        for number, contender in enumerate(CONTENDERS)
    )
    return Plan(
        name=MARKUP[1],
        contenders=contenders,
        labels=MARKUP[:12],
        texts=HOSTILE,
        accept_leakage=MARKUP[2],
        warnings=MARKUP[:8],
        seeds=(0, 1),
        test=120,
        validation=80,
        epochs=2,
        slices=("length", "kind", "label"),
        kinds=MARKUP[:9],
    )


def look(path: Path, plan: Plan | None = None) -> Seen:
    """Invent a study and read it."""
    return look_at(fabricate(path, plan))


def look_at(path: Path) -> Seen:
    """Read a study folder."""
    folder = StudyFolder.open(path)
    evidence = gather(folder)
    results = results_of(evidence)
    return Seen(folder, evidence, results, verdict(evidence, results))


@pytest.fixture(scope="session")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Five contenders, three seeds, a test split; `full` failed at one search point."""
    return look(tmp_path_factory.mktemp("rooms") / "study")


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """The same study with hostile texts, labels, names, errors and reasons."""
    return look(tmp_path_factory.mktemp("hostile") / "study", hostile_plan())
