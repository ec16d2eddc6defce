"""Invented studies, written once and read by many tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pytest
from tests.reports.fabricate import CONTENDERS, Plan, fabricate
from tests.reports.hostile import HOSTILE, MARKUP, TEMPLATES

from tunewise.analysis.evidence import Evidence
from tunewise.analysis.facts import Facts
from tunewise.analysis.results import Results
from tunewise.analysis.verdict.verdict import Verdict
from tunewise.reports.document.model import Figure, Section, Table, figures, tables
from tunewise.reports.outputs.documents import every_section
from tunewise.reports.outputs.page import page
from tunewise.reports.outputs.paper import Paper, paper
from tunewise.store.study import StudyFolder


def a_script(folder: Path) -> Path:
    """Stands for a contender's script in a submission, which no invented study could train."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "requirements.txt").write_text("torch==2.13.0\n")
    (folder / "lora_finetuning.py").write_text("print('trained')\n")
    return folder / "lora_finetuning.py"


@dataclass(frozen=True)
class Seen:
    """A study folder and all that reports make of it before anything is written."""

    folder: StudyFolder
    facts: Facts

    @property
    def evidence(self) -> Evidence:
        return self.facts.evidence

    @property
    def results(self) -> Results:
        return self.facts.results

    @property
    def verdict(self) -> Verdict:
        return self.facts.verdict

    @cached_property
    def sections(self) -> list[Section]:
        return every_section(self.facts)

    @cached_property
    def charts(self) -> list[Figure]:
        return figures(self.sections)

    @cached_property
    def tables(self) -> dict[str, Table]:
        return {table.key: table for table in tables(self.sections)}

    @cached_property
    def html(self) -> str:
        return page(self.facts, self.sections)

    @cached_property
    def paper(self) -> Paper:
        return paper(self.facts)


@dataclass(frozen=True)
class Grid:
    """A table as a paper sets it, without the signs that steer the breaking of lines."""

    caption: str
    header: list[str]
    rows: list[list[str]]


def grids(paper: Paper, title: str) -> list[Grid]:
    """The tables of a section of a paper."""
    text = json.dumps(paper.plain()).replace("\\u00a0", " ").replace("\\u200b", "")
    section = next(one for one in json.loads(text)["sections"] if one["title"] == title)
    return [
        Grid(block["caption"], block["header"], block["rows"])
        for block in section["blocks"]
        if block["kind"] == "table"
    ]


def grid(paper: Paper, title: str, caption: str) -> Grid:
    """The table of a section whose caption begins so."""
    return next(one for one in grids(paper, title) if one.caption.startswith(caption))


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
    return Seen(folder, Facts.of(folder))


@pytest.fixture(scope="session")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Five contenders, three seeds, a test split; `full` failed at one search point."""
    return look(tmp_path_factory.mktemp("rooms") / "study")


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """The same study with hostile texts, labels, names, errors and reasons."""
    return look(tmp_path_factory.mktemp("hostile") / "study", hostile_plan())
