"""A study that goes on from the command line with further seeds or further time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import write_reviews
from tests.commands import Ended

from tunewise.api import Study
from tunewise.store.race import read_race
from tunewise.store.study import StudyFolder
from tunewise.studies.reuse import reused

Run = Callable[..., Ended]


@pytest.fixture
def study(tmp_path: Path, checkpoint: Callable[[str], Path]) -> Path:
    (tmp_path / "data").mkdir()
    for number, (split, rows) in enumerate({"train": 40, "validation": 30, "test": 30}.items()):
        write_reviews(tmp_path / "data" / f"{split}.csv", rows, number)
    (tmp_path / "study.yaml").write_text(
        f"""
name: going-on
task: {{kind: classification, text: text, label: label}}
data: {{source: data}}
models: ["{checkpoint("bert")}"]
methods: [majority, lora: {{rank: 2}}, full]
training: {{epochs: 1, batch_size: 8, learning_rate: 1e-3}}
seeds: [0]
accept_leakage: short texts of few words may repeat
"""
    )
    return tmp_path


def results_of(folder: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in folder.glob("trials/*/result.json")}


def test_more_seeds_add_trials_and_train_nothing_anew(study: Path, tunewise: Run) -> None:
    ran = tunewise("run", "study.yaml", cwd=study)
    assert ran.returncode == 0, ran.stderr
    folder = study / "runs" / "going-on"
    before = results_of(folder)
    more = tunewise("run", "study.yaml", "--more", "seeds=2", cwd=study)
    assert more.returncode == 0, more.stderr
    after = results_of(folder)
    assert len(after) == len(before) + 4
    assert {id: after[id] for id in before} == before
    assert StudyFolder(folder).study().seeds == (0, 1, 2)
    says = " ".join(more.stderr.split())
    assert "The study has changed. 3 finished trainings of before count." in says
    beforehand = "To be trained anew, as far as is known by now: lora (2) and full (2)."
    assert says.index(beforehand) < says.index("[4/7]")


def test_a_changed_study_says_what_counts_and_what_is_trained_anew(
    study: Path, tunewise: Run
) -> None:
    ran = tunewise("run", "study.yaml", "--set", "methods=[majority]", cwd=study)
    assert ran.returncode == 0, ran.stderr
    folder = StudyFolder(study / "runs" / "going-on")

    def says(*changes: str) -> str:
        return " ".join(reused(Study.read(study / "study.yaml", changes).prepare().study, folder))

    assert says("methods=[majority]") == ""
    added = says("methods=[majority, tfidf, {lora: {rank: 2}}]")
    assert "1 finished training of before counts." in added and "tfidf (1) and lora (1)" in added
    other = says("methods=[tfidf]")
    assert "To be trained anew, as far as is known by now: tfidf (1)." in other
    assert "Not asked for any more, but kept in the folder: 1 finished training." in other


def test_time_is_added_to_a_budget_of_the_command_line(study: Path, tunewise: Run) -> None:
    seeds = ("--set", "seeds=[0,1,2]")
    ran = tunewise("run", "study.yaml", *seeds, "--budget", "2 trials", cwd=study)
    assert ran.returncode == 0, ran.stderr
    folder = study / "runs" / "going-on"
    before, race = results_of(folder), read_race(folder)
    assert race is not None and max(map(len, race.seeds.values())) == 2
    more = tunewise("run", "study.yaml", *seeds, "--budget", "+30min", cwd=study)
    assert more.returncode == 0, more.stderr
    after, grown = results_of(folder), read_race(folder)
    assert {id: after[id] for id in before} == before
    assert grown is not None and grown.ended in ("decided", "learned")
    assert grown.budget == pytest.approx(race.budget + 1800)
    again = tunewise("run", "study.yaml", *seeds, "--budget", "2 trials", cwd=study)
    assert again.returncode == 0, again.stderr
    assert results_of(folder) == after


def test_time_is_added_to_nothing_where_there_is_no_budget(study: Path, tunewise: Run) -> None:
    ended = tunewise("run", "study.yaml", "--budget", "+30min", cwd=study)
    assert ended.returncode == 2
    assert "--budget: this study has no budget that could grow" in ended.stderr


def test_too_small_a_budget_is_refused_before_anything_is_written(
    study: Path, tunewise: Run
) -> None:
    ended = tunewise("run", "study.yaml", "--budget", "0.05min", cwd=study)
    assert ended.returncode == 2
    says = " ".join(ended.stderr.split())
    assert "budget: 3.0 s is too little" in says and "train each once and test it takes" in says
    assert "Give budget: 2 min." in says
    assert not (study / "runs").exists()
