"""Reports and analysis name no method: what they know of one, its study was given when prepared."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

from tests.reports.fabricate import Plan, fabricate

import tunewise.analysis
import tunewise.reports
from tunewise.analysis.facts import Facts
from tunewise.core.files import read_json, write_json
from tunewise.methods.base import METHODS
from tunewise.reports.outputs.paper import paper
from tunewise.reports.outputs.record import record
from tunewise.store.study import StudyFolder

ELSEWHERE = {"peft": "the name of a library", "prompt": "a setting of a task"}
OF_METHODS = ("spoken", "constant", "reads_only")


def test_no_text_in_analysis_or_reports_is_the_name_of_a_method() -> None:
    names = set(METHODS.classes) - set(ELSEWHERE)
    assert {"lora", "full", "majority", "tfidf", "fusion"} <= names
    found = [
        f"{path.name}:{node.lineno} names {node.value}"
        for room in (tunewise.analysis, tunewise.reports)
        for path in sorted(Path(room.__path__[0]).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in names
    ]
    assert found == []


def test_a_study_prepared_before_methods_stated_so_is_still_reported(tmp_path: Path) -> None:
    folder = fabricate(tmp_path / "study", replace(Plan(), seeds=(0,), test=60, validation=40))
    path = folder / "study.json"
    study = read_json(path)
    for contender in study["contenders"]:
        for key in OF_METHODS:
            del contender[key]
    del study["descriptions"]["references"]
    study["descriptions"]["methods"]["lora"] = "LoRA {lora} freezes.\n\n{equation lora}"
    write_json(path, study)
    facts = Facts.of(StudyFolder.open(folder))
    assert record(facts)["contenders"]
    assert "LoRA freezes." in str(paper(facts).plain())
