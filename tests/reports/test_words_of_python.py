"""No word of Python reaches a reader: every odd study in every output, searched for them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from tests.reports.conftest import Seen
from tests.reports.fabricate import CONTENDERS, Plan, fabricate
from tests.reports.fabricate_written import fabricate_written

from tunewise.analysis.compare import contest
from tunewise.analysis.facts import Facts
from tunewise.core.files import mark_complete, read_json, write_json
from tunewise.reports.document.csv import as_csv
from tunewise.reports.document.latex import as_latex
from tunewise.reports.outputs.compare import print_contest
from tunewise.reports.outputs.model_card import Exported, card
from tunewise.reports.outputs.record import record
from tunewise.reports.outputs.terminal import print_report
from tunewise.store.records import MethodRecord, TrialSettings
from tunewise.store.study import StudyFolder

PYTHON = re.compile(r"\b(None|nan|NaN|inf|Infinity|True|False)\b|\{'|'\}|<[a-z_.]+ object at ")
CODE = re.compile(r"```python.*?```|<(script|style)\b.*?</\1>", re.DOTALL)
MAJORITY, TFIDF, HEAD, LORA, FULL = CONTENDERS
ONE_POINT = tuple(
    replace(one, skills=one.skills[:1], points=one.points[:1], fails={}) for one in CONTENDERS
)
SMALL = Plan(contenders=ONE_POINT, seeds=(0, 1), epochs=2, validation=60, test=60)
ODD = (
    {"training.learning_rate": None, "method.targets": ["query", "value"]},
    {"training.learning_rate": 1e-3, "method.targets": True},
    {"training.learning_rate": 1e-2, "method.targets": {"name": None}},
)
PROOF = {
    **{"passed": True, "detail": "", "difference": 1e-7, "tolerance": 1e-4, "dtype": "float32"},
    **{"loaded_with": "tunewise", "versions": {}, "examples": 4, "compared": "logits"},
}


def as_it_is(folder: Path) -> None:
    pass


def same_answers(folder: Path) -> None:
    """Every contender gives the answers of one, and has its scores."""
    for kind, split in (("trials", "validation"), ("tests", "test")):
        paths = sorted((folder / kind).glob(f"*/predictions/{split}.parquet"))
        table = pq.read_table(paths[0])
        scores = read_json(paths[0].parents[1] / "result.json")["metrics"]
        for path in paths:
            pq.write_table(table, path)
            result = path.parents[1] / "result.json"
            write_json(result, {**read_json(result), "metrics": scores})
            mark_complete(path.parents[1])


def one_class(folder: Path) -> None:
    """Every contender answers the first option throughout: correlation is not defined."""
    for path in folder.glob("*/*/predictions/*.parquet"):
        table = pq.read_table(path)
        choice = pa.array(np.zeros(table.num_rows), pa.int32())
        pq.write_table(table.set_column(table.column_names.index("choice"), "choice", choice), path)
    for path in folder.glob("*/*/result.json"):
        result = read_json(path)
        for scores in result["metrics"].values():
            scores["matthews"] = None
        write_json(path, {**result, "flags": ["degenerate"]})
        mark_complete(path.parent)


def no_metrics(folder: Path) -> None:
    """Scores beside the headline are missing, and whatever was measured."""
    for path in folder.glob("*/*/result.json"):
        result = read_json(path)
        metrics = {split: {"accuracy": s["accuracy"]} for split, s in result["metrics"].items()}
        write_json(path, {**result, "metrics": metrics, "parameters": None, "best_epoch": None})
        write_json(path.parent / "costs.json", {"host": None, "environment": {"gpu": None}})
        mark_complete(path.parent)
    study = read_json(folder / "study.json")
    study["environment"] |= {"gpu": None, "deterministic": True, "cuda": {"devices": []}}
    study["data"]["audit"]["facts"] |= {"cut": None, "share": {"train": None}}
    write_json(folder / "study.json", study)


def half(folder: Path) -> None:
    """Some trials are gone, as after an interruption."""
    for number, path in enumerate(sorted(folder.glob("t*/*/COMPLETE.json"))):
        if number % 3 == 0:
            path.unlink()


def unsearched(folder: Path) -> None:
    """Search points with odd values."""
    study = read_json(folder / "study.json")
    study["contenders"][0]["search"] = [*ODD[0]]
    write_json(folder / "study.json", study)


FAILING = replace(LORA, points=LORA.points[:1], fails={(0, 0): ("killed", None)})  # type: ignore[dict-item]  # an error without words
STUDIES: dict[str, tuple[Plan, Callable[[Path], None]]] = {
    "usual": (replace(SMALL, contenders=CONTENDERS), as_it_is),
    "one seed": (replace(SMALL, seeds=(0,), margin=0.02), as_it_is),
    "ties": (replace(SMALL, margin=0.01), same_answers),
    "ties by F1": (replace(SMALL, metrics=("f1_macro", "accuracy")), same_answers),
    "ties by loss": (replace(SMALL, metrics=("loss", "f1_macro"), margin=0.01), same_answers),
    "one class": (SMALL, one_class),
    "undefined": (replace(SMALL, metrics=("matthews", "accuracy")), one_class),
    "missing": (SMALL, no_metrics),
    "failed": (replace(SMALL, contenders=(FAILING, replace(FAILING, name="again"))), as_it_is),
    "one failed": (replace(SMALL, contenders=(*ONE_POINT[:2], FAILING)), as_it_is),
    "not run": (replace(SMALL, ran=False), as_it_is),
    "half": (replace(SMALL, contenders=CONTENDERS), half),
    "no test": (replace(SMALL, has_test=False, require={"time": 1.0}), as_it_is),
    "alone": (replace(SMALL, contenders=ONE_POINT[3:4], seeds=(0,)), as_it_is),
    "odd points": (replace(SMALL, contenders=(replace(LORA, points=ODD), HEAD)), unsearched),
    "sliced": (replace(SMALL, slices=("length", "kind", "label"), test=24), as_it_is),
}


def outputs(seen: Seen, *, drawn: bool = False) -> dict[str, str]:
    """Every text that a reader may get of a study; what a program reads holds no such word."""
    evidence, results, judged = seen.evidence, seen.results, seen.verdict
    made = {
        "page": seen.html,
        "charts": "\n".join(f"{chart.title} {chart.says}" for chart in seen.charts if drawn),
        "paper": json.dumps(seen.paper.plain()),
        "record": json.dumps(record(seen.facts), allow_nan=False),
    }
    for table in seen.tables.values():
        made[f"{table.key}.csv"], made[f"{table.key}.tex"] = as_csv(table), as_latex(table)
    console = Console(file=io.StringIO(), width=400)
    print_report(seen.facts, console)
    names = [row.name for row in results.rows if row.scores(results.split)]
    for other in names[1:]:
        print_contest(contest(evidence, results, other, names[0]), console, everything=True)
    made["terminal"] = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    for row in results.rows:
        settings = TrialSettings(method=MethodRecord(row.method), seed=0)
        exported = Exported("tunewise", False, "x", settings, None, None, None, PROOF)
        if row.seeds and evidence.labels:
            made[f"card of {row.name}"] = card(evidence, results, judged, row.name, exported)
    return made


def words_of_python(text: str) -> list[str]:
    shown = CODE.sub("", text)
    found = PYTHON.finditer(shown)
    return [shown[max(0, one.start() - 60) : one.end() + 40] for one in found]


def found_in(made: dict[str, str]) -> dict[str, list[str]]:
    found = {what: words_of_python(text) for what, text in made.items()}
    return {what: words for what, words in found.items() if words}


def odd(name: str, folder: Path) -> Seen:
    plan, change = STUDIES[name]
    change(fabricate(folder, plan))
    return read(StudyFolder.open(folder))


@pytest.mark.parametrize("name", ["ties by F1", "half", "undefined", "missing"])
def test_no_output_of_an_odd_study_holds_a_word_of_python(name: str, tmp_path: Path) -> None:
    assert found_in(outputs(odd(name, tmp_path / "s"))) == {}


@pytest.mark.faults
@pytest.mark.parametrize("name", STUDIES)
def test_no_output_of_any_study_holds_a_word_of_python(name: str, tmp_path: Path) -> None:
    assert found_in(outputs(odd(name, tmp_path / "s"), drawn=True)) == {}


@pytest.mark.faults
def test_no_output_of_written_answers_holds_a_word_of_python(tmp_path: Path) -> None:
    folder = StudyFolder.open(fabricate_written(tmp_path / "written"))
    assert found_in(outputs(read(folder), drawn=True)) == {}


def read(folder: StudyFolder) -> Seen:
    return Seen(folder, Facts.of(folder))


def test_ties_without_an_interval_say_that_they_are_not_testable(tmp_path: Path) -> None:
    """Two rows whose answers all score alike, by a metric that has no interval for that."""
    models, methods = odd("ties by F1", tmp_path / "s").verdict.certainty
    assert "is level with" in models
    assert models.endswith("(every answer scored alike; not testable).")
    assert methods == "The methods: every answer scored alike; not testable."


@pytest.mark.parametrize("text", ["a None b", "p = nan", "{'a': 1}", "x True", "−inf points"])
def test_the_search_finds_what_it_looks_for(text: str) -> None:
    assert words_of_python(text)


def test_a_value_of_a_setting_is_never_shown_as_python_writes_it(tmp_path: Path) -> None:
    made = outputs(odd("odd points", tmp_path / "s"))
    assert found_in(made) == {}
    assert "learning_rate 0.01" in made["page"] or "targets" in made["page"]
