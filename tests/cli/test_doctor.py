"""`tunewise doctor`: every doubt with its remedy, of a study file and of a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from tests.commands import run_here
from tests.reports import fabricate as invented
from tests.reports.fabricate import fabricate

from tunewise.cli import doctor
from tunewise.cli.damage import MOST_NAMED, damage_named
from tunewise.estimate.plan_types import Plan, Planned
from tunewise.store.faults import Fault
from tunewise.store.records import AuditRecord, DataRecord, ModelRecord, StudyRecord
from tunewise.store.study import StudyFolder
from tunewise.studies.examination import symptoms_of

SOUND = StudyRecord(
    name="sound",
    metrics=("accuracy",),
    data=DataRecord(
        rows={"train": 4000, "validation": 1000, "test": 2000},
        label_counts={"train": {"yes": 2100, "no": 1900}},
        source={"file": "a.csv"},
        audit=AuditRecord(facts={"splits": {"train": {"rows": 4000, "empty_texts": 0}}}),
        has_test=True,
    ),
    models={"./model": ModelRecord("./model", None, "0")},
)


def with_data(**changed: object) -> StudyRecord:
    return replace(SOUND, data=replace(SOUND.data, **changed))  # type: ignore[arg-type]


def with_facts(**facts: object) -> StudyRecord:
    return with_data(audit=AuditRecord(facts=facts))


SICK = [
    (with_data(has_test=False), "no test split", "data.split"),
    (with_data(rows={"train": 100, "test": 20}), "20 examples of test", "870 examples"),
    (with_facts(splits={"test": {"rows": 9, "empty_texts": 2}}), "2 empty texts", "empty: drop"),
    (
        with_facts(splits={"train": {"rows": 100, "repeated_texts": 7}}),
        "7 rows of 100 repeat",
        "duplicates: drop",
    ),
    (
        with_facts(splits={"test": {"rows": 100, "truncated_share": 0.25}}),
        "25.0 % of the texts are cut",
        "training.max_length",
    ),
    (with_facts(contradictory_texts=3), "3 texts with different labels", "Correct the labels"),
    (
        with_facts(shared_texts=[{"of": "test", "within": "train", "alike": 4, "near": 0}]),
        "4 texts of test that train has too",
        "duplicates: drop",
    ),
    (
        with_facts(shared_texts=[{"of": "test", "within": "train", "alike": 0, "near": 1}]),
        "1 nearly equal text",
        "near_duplicates: group",
    ),
    (
        with_facts(shared_groups=[{"split": "test", "column": "passage", "share": 0.5}]),
        "50 % of test share their 'passage'",
        "group: passage",
    ),
    (with_data(label_counts={"train": {"yes": 900, "no": 3}}), "fewer than 5", "min_examples: 5"),
    (with_data(label_counts={"train": {"yes": 900, "no": 90}}), "91 % of train", "f1_macro"),
    (with_data(accept_leakage="few words"), "accepts leakage: “few words”", "data.clean"),
    (
        replace(SOUND, models={"m": ModelRecord("embedded:encoder", None, "0")}),
        "its own small world",
        "models: [",
    ),
]


def test_a_sound_study_has_no_symptoms() -> None:
    assert symptoms_of(SOUND) == []


@pytest.mark.parametrize(("study", "says", "remedy"), SICK, ids=[says for _, says, _ in SICK])
def test_each_doubt_comes_with_its_remedy(study: StudyRecord, says: str, remedy: str) -> None:
    assert any(says in one.says and remedy in one.remedy for one in symptoms_of(study))


def test_the_embedded_model_is_at_home_on_embedded_data() -> None:
    study = replace(
        with_data(source={"embedded": "reviews"}),
        models={"m": ModelRecord("embedded:encoder", None, "0")},
    )
    assert symptoms_of(study) == []


def test_of_a_folder_it_says_what_makes_the_comparison_doubtful(tmp_path: Path) -> None:
    fabricate(tmp_path / "study", invented.Plan(seeds=(0,)))
    ended = run_here("doctor", "study", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "One seed" in ended.stdout
    assert "--more seeds=2" in ended.stdout
    assert max(map(len, ended.stdout.splitlines())) <= 80
    read = json.loads(run_here("doctor", "study", "--json", cwd=tmp_path).stdout)
    assert {one["area"] for one in read["symptoms"]} <= {"data", "models", "machine", "comparison"}
    assert all(one["remedy"] for one in read["symptoms"])
    assert read["environment"]["cores"]


def test_a_damaged_study_is_wrong(tmp_path: Path) -> None:
    fabricate(tmp_path / "study")
    folder = StudyFolder.open(tmp_path / "study")
    next(folder.path.glob("trials/*/result.json")).write_text("{}")
    ended = run_here("doctor", "study", cwd=tmp_path)
    assert ended.returncode == 2
    assert "Damaged" in ended.stdout


def test_of_a_study_file_every_mistake_is_told_and_the_exit_code_is_2(
    tmp_path: Path, checkpoint: Callable[[str], Path]
) -> None:
    (tmp_path / "study.yaml").write_text(
        "name: small\ntask: {kind: classification, text: text, label: label}\n"
        f"data: {{source: nowhere.csv}}\nmodels: ['{checkpoint('bert')}']\nmethods: [majority]\n"
    )
    ended = run_here("doctor", "study.yaml", cwd=tmp_path)
    assert ended.returncode == 2
    assert "nowhere.csv" in ended.stdout
    assert "tunewise doctor study.yaml" in " ".join(ended.stdout.split())


def test_a_study_file_that_would_run_is_examined_whole(
    tmp_path: Path, checkpoint: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Planned("head", 1, peak_bytes=9 * 10**9, fits=False)
    found = Plan("small", (row,), 2, 1, 1, 7200.0, 8000.0, 10**5, 10**9, True, 10**8, {"train": 54})
    monkeypatch.setattr(doctor, "plan", lambda settings, **how: found)
    words = [("good", "yes") if n % 5 else ("bad", "no") for n in range(90)]
    lines = [f"room {n} is {word},{label}" for n, (word, label) in enumerate(words)]
    (tmp_path / "rooms.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    (tmp_path / "study.yaml").write_text(
        "name: small\ntask: {kind: classification, text: text, label: label}\n"
        "data: {source: rooms.csv, split: {validation: 0.2, test: 0.2}}\n"
        f"models: ['{checkpoint('bert')}']\nmethods: [majority, head]\n"
    )
    ended = run_here("doctor", "study.yaml", cwd=tmp_path)
    assert ended.returncode == 2, ended.stdout
    for says in (
        "hardly tell contenders apart",
        "classes are uneven",
        "One seed",
        "head needs 9.10 GB of 1.00 GB",
        "take 2 h 0 min (at most 2 h 13 min)",
    ):
        assert says in " ".join(ended.stdout.split())


def test_without_a_study_it_looks_at_the_machine(tmp_path: Path) -> None:
    ended = run_here("doctor", cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "tunewise env" in ended.stdout


def test_a_folder_without_a_study_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = run_here("doctor", "empty", cwd=tmp_path)
    assert ended.returncode == 2
    assert "no study here" in ended.stderr


def test_of_many_lost_files_the_first_are_named_and_the_rest_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fabricate(tmp_path / "rooms")
    lost = [Fault(str(at), folder, f"file {at}: missing.") for at in range(5)]
    monkeypatch.setattr(StudyFolder, "faults", lambda study, content: lost)
    with pytest.raises(typer.Exit), damage_named(folder):
        pass
    said = capsys.readouterr().err.splitlines()
    assert len(said) == MOST_NAMED + 1
    assert said[0].startswith("damaged: file 0: missing.")
    assert said[-1] == f"damaged: and 2 more: tunewise status {folder}"
