from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from tests.reports.conftest import Seen
from typer.main import get_command

from tunewise.analysis.evidence import Evidence
from tunewise.analysis.gather import gather
from tunewise.analysis.setting_differences import command, settings_apart
from tunewise.cli.main import app
from tunewise.core.canonical import digest
from tunewise.store.records import ContenderRecord, ModelRecord
from tunewise.store.study import StudyFolder
from tunewise.studyfile.contender_records import Facts, contender_records
from tunewise.studyfile.expand import expand
from tunewise.studyfile.settings import StudySettings
from tunewise.studyfile.studyfile import read_study

STUDY: dict[str, Any] = {
    "name": "toy study".replace(" ", "-"),
    "task": {"kind": "classification", "text": "text", "label": "label"},
    "data": {"source": "reviews.csv", "split": {"from": "train", "validation": 0.1}},
    "models": ["bert", "org/mini@v1"],
    "methods": [
        "majority",
        {"tfidf": {"ngrams": [1, 2]}},
        "head",
        {"lora": {"rank": [4, 8], "targets": ["query", "value"], "name": "ours, and 'mine'"}},
        {"full": {"training": {"epochs": 9, "max_length": 64}}},
    ],
    "training": {"epochs": 2, "weight_decay": 0.0},
    "search": {"learning_rate": [1e-4, 3e-5, 1e-3], "lora.dropout": [0.0, 0.1]},
    "seeds": [3, 4],
}
MODELS = {name: ModelRecord(name, None, f"h {name}") for name in ("bert", "org/mini@v1")}


def rows_of(study: StudySettings) -> list[ContenderRecord]:
    return contender_records(
        study, expand(study), Facts("d" * 16, {"labels": ["bad", "good"]}, MODELS)
    )


def evidence(folder: Path) -> Evidence:
    """The study as it is stored before anything ran."""
    study = read_study(STUDY)
    content = {
        "schema": 1,
        "name": study.name,
        "seeds": list(study.seeds),
        "metrics": list(study.task.metrics),
        "contenders": [row.as_json() for row in rows_of(study)],
    }
    (folder / "study.json").write_text(json.dumps(content))
    (folder / "study.yaml").write_text(study.text)
    return gather(StudyFolder.open(folder))


def overrides_of(command: str) -> tuple[Path, list[str]]:
    """What `tunewise run` is told: the command line taken apart by the program itself."""
    program, name, *rest = shlex.split(command)
    assert (program, name) == ("tunewise", "run")
    group: Any = get_command(app)
    message = group.get_command(None, "run").make_context("run", list(rest)).params
    return Path(message["study"]), list(message["overrides"])


def test_every_command_trains_exactly_the_trials_of_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = evidence(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert len(found.contenders) == 10  # two baselines, then four trained ones on two models
    for contender in found.contenders:
        path, overrides = overrides_of(command(found, contender))
        again = read_study(path, overrides)
        (row,) = rows_of(again)
        (point,) = row.points
        described = json.loads((tmp_path / "study.json").read_text())["contenders"]
        wanted = described[contender.position]["points"][0]
        assert point.settings.as_json() == wanted["settings"]
        assert [digest({**point.identity, "seed": seed}) for seed in again.seeds] == [
            digest({**wanted["identity"], "seed": seed}) for seed in (3, 4)
        ]
        assert row.name == contender.name


def test_settings_that_differ_are_reported_row_by_row(tmp_path: Path) -> None:
    apart = {one.path: one for one in settings_apart(evidence(tmp_path))}
    assert apart["training.epochs"].values["full on bert"] == "9"
    assert apart["training.epochs"].values["head on bert"] == "2"
    assert apart["training.epochs"].values["majority"] == "–"
    assert apart["model"].values["majority"] == "none"
    assert apart["training.learning_rate"].searched["full on bert"]
    assert not apart["training.epochs"].searched["full on bert"]
    assert "training.weight_decay" in apart  # the baselines have none
    lora = [name for name in apart["method.rank"].values if name.startswith("ours")]
    assert {apart["method.rank"].values[name] for name in lora} == {"4", "8"}


def test_hostile_names_stay_one_word_of_a_shell(hostile: Seen) -> None:
    for contender in hostile.evidence.contenders:
        text = command(hostile.evidence, contender)
        words = shlex.split(text)
        assert words[:3] == ["tunewise", "run", "study.yaml"]
        assert words[4].startswith("runs/")
        assert words[4].removeprefix("runs/").replace("-", "").isalnum()
        assert all(words[n] == "--set" for n in range(5, len(words), 2))
        assert text.isprintable()
