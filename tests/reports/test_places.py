"""Nothing that is handed on says where it was made: no host, no user, no path from the root."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.reports.conftest import a_script
from tests.reports.fabricate import CONTENDERS, Plan, fabricate

from tunewise.analysis.facts import Facts
from tunewise.analysis.gather import gather
from tunewise.reports.outputs import pdf
from tunewise.reports.outputs.model_card import Exported, card
from tunewise.reports.outputs.submission import write_submission
from tunewise.reports.outputs.write import write_latex, write_report
from tunewise.results import StudyResults
from tunewise.store.places import Places
from tunewise.store.records import MethodRecord, ModelRecord, TrialSettings
from tunewise.store.study import StudyFolder
from tunewise.trackers.runs import runs_of

pytestmark = pytest.mark.usefixtures("true_drawings")  # they are read for what they name

HOME = "/home/annabel"
MODEL = f"{HOME}/my models/bert"
DATA = f"{HOME}/data/reviews.csv"
PRIVATE = ("annabel", "quietbox", "/home/", "/usr/lib", "my models")
ERROR = f"OSError: '{MODEL}/x.bin' of {HOME}/data (File \"/usr/lib/python3.11/os.py\", line 3)"
HEAD = replace(CONTENDERS[2], fails={(2, 0): ("failed", ERROR)})
PLAN = Plan(
    contenders=(*CONTENDERS[:2], HEAD),
    seeds=(0, 1),
    test=60,
    validation=40,
    epochs=2,
    host="quietbox.example.org",
    warnings=(f"{DATA}:3: an empty text.",),
    accept_leakage=f"they are two exports of {DATA}",
)
YAML = f"name: rooms\ndata: {{source: {DATA}}}\nmodels: ['{MODEL}']\nseeds: [0, 1]\n"


def placed(value: Any) -> Any:
    """The study as if its model lay in a folder; ids are made from what stands."""
    if isinstance(value, dict):
        return {
            MODEL if key == "embedded:encoder" else key: example
            if key == "identity"
            else placed(example)
            for key, example in value.items()
        }
    if isinstance(value, list):
        return [placed(example) for example in value]
    return MODEL if value == "embedded:encoder" else value


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    folder = fabricate(tmp_path_factory.mktemp("runs") / "study", PLAN)
    study = placed(json.loads((folder / "study.json").read_text()))
    study["settings"] |= {"data": {"source": DATA}, "models": [MODEL]}
    study["data"]["source"] = {"files": {"train": {"file": DATA, "sha256": "0"}}}
    study["texts"], study["answer"] = ["text"], "label"
    study["notes"] = [f"{DATA} was read."]
    (folder / "study.json").write_text(json.dumps(study))
    (folder / "study.yaml").write_text(YAML)
    return StudyFolder.open(folder)


@pytest.fixture
def message(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The text of each PDF, which its file holds as numbers of drawn letters."""
    found: list[str] = []

    def typeset(text: Any, form: str) -> list[bytes]:
        found.append(json.dumps([text.plain(), [figure.spec for figure in text.figures]]))
        return [b"%PDF"]

    monkeypatch.setattr(pdf, "typeset", typeset)
    monkeypatch.setattr(pdf, "need_typst", lambda: None)
    monkeypatch.setattr("tunewise.reports.outputs.submission.need_typst", lambda: None)
    return found


def leaks(texts: dict[str, str]) -> dict[str, list[str]]:
    found = {name: [word for word in PRIVATE if word in text] for name, text in texts.items()}
    return {name: words for name, words in found.items() if words}


def files(folder: Path) -> dict[str, str]:
    read = (path for path in folder.rglob("*") if path.is_file())
    return {path.name: f"{path} {path.read_bytes().decode('latin-1')}" for path in read}


def test_the_study_knows_its_places_and_the_reports_do_not(
    made: StudyFolder, message: list[str], tmp_path: Path
) -> None:
    stored = made.path / "study.json"
    assert leaks({"study.json": stored.read_text()})
    write_report(made, tmp_path / "report")
    write_latex(Facts.of(made), tmp_path / "latex")
    pdf.write_paper(Facts.of(made), tmp_path / "pdf")
    write_submission(made, tmp_path / "submission", script=a_script)
    texts = {**files(tmp_path), "paper": message[0]}
    assert {"index.html", "failures.csv", "failures.tex", "evaluation_results.json"} <= set(texts)
    assert not leaks(texts)
    assert "bert" in texts["index.html"] and "x.bin" in texts["failures.csv"]


def test_a_study_that_is_handed_in_reads_what_lies_beside_it(
    made: StudyFolder, message: list[str], tmp_path: Path
) -> None:
    out = write_submission(made, tmp_path / "out", script=a_script)
    text = (out / "results" / "study.yaml").read_text()
    assert "source: ./reviews.csv" in text
    assert "models: ['./bert']" in text
    assert len(message) == 1


def test_results_and_trackers_do_not_know_them_either(made: StudyFolder) -> None:
    opened = StudyResults(made.path)
    assert not leaks({"results": json.dumps(opened.as_json())})
    assert "machine 1" in json.dumps(opened.as_json())
    assert not leaks({"trackers": repr(runs_of(made))})


def test_a_model_card_does_not_know_them(made: StudyFolder) -> None:
    opened = StudyResults(made.path)
    settings = TrialSettings(
        model=ModelRecord(MODEL, None, "0"), method=MethodRecord("head"), seed=0
    )
    exported = Exported(
        form="peft",
        merged=False,
        trial="ab12",
        settings=settings,
        base=MODEL,
        max_length=64,
        pad_token_id=0,
        proof={
            "passed": False,
            "difference": None,
            "detail": f"nothing lies in {MODEL}",
            "versions": {},
        },
    )
    text = card(opened.evidence, opened.results, opened.verdict, "head", exported)
    assert not leaks({"README.md": text})


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("yes and/or no, 3/4 of a/b/c", "yes and/or no, 3/4 of a/b/c"),
        ("see https://example.org/a/b?c", "see https://example.org/a/b?c"),
        ("in /home/me/x.py, line 3", "in x.py, line 3"),
        ("in ~/models/bert/", "in …"),
        ("C:\\Users\\me\\x.bin is gone", "x.bin is gone"),
        ("../a/b ./c/d", "../a/b ./c/d"),
        ("/ and /a", "/ and /a"),
    ],
)
def test_of_a_path_in_a_text_its_end_is_left(text: str, left: str) -> None:
    assert Places().text(text) == left


def test_folders_of_one_name_stay_apart() -> None:
    study: dict[str, Any] = {"models": {"/home/me/a/bert": {}, "/home/me/b/bert": {}}}
    assert list(Places([study]).public(study)["models"]) == ["a/bert", "b/bert"]


def test_what_ids_and_answers_are_made_of_stays(made: StudyFolder) -> None:
    labels = {"labels": ["/a/b/c"], "task": {"prompt": "/x/y/{text}"}, "identity": {"m": "/a/b/c"}}
    assert Places([labels]).public(labels) == labels
    assert [c.finished for c in gather(made).contenders]
