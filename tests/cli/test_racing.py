"""A study that goes on from the command line with further seeds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import write_reviews
from tests.commands import Ended

from tunewise.store.study import StudyFolder

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
