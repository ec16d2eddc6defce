"""A study of question answering through the command line, on a model made on the spot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.tasks.conftest import questions, write_rows

STUDY = """
name: rooms
task: {{kind: question-answering, max_new_tokens: 8, decoding: [greedy, top-k 5], samples: 2}}
data: {{source: data}}
models: ["{model}"]
methods:
  - untuned
  - lora: {{rank: 2, targets: attention}}
  - full
training: {{epochs: 2, batch_size: 8, learning_rate: 1e-2, max_length: 160}}
seeds: [0, 1]
"""


def tunewise(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    fixed = {"OMP_NUM_THREADS": "1", "COLUMNS": "80", "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "tunewise", *words],
        cwd=cwd,
        env={**os.environ, **fixed},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, writer: Path) -> Path:
    """The folder of a study that has run."""
    place = tmp_path_factory.mktemp("rooms")
    (place / "data").mkdir()
    for number, (split, rows) in enumerate({"train": 40, "validation": 12, "test": 12}.items()):
        write_rows(place / "data" / f"{split}.jsonl", questions(rows, number))
    (place / "study.yaml").write_text(STUDY.format(model=writer))
    ran = tunewise("run", "study.yaml", cwd=place)
    assert ran.returncode == 0, ran.stderr
    return place / "runs" / "rooms"


def test_every_contender_is_scored_on_the_test_split(finished: Path) -> None:
    content = json.loads((finished / "report" / "evaluation_results.json").read_text())
    rows = {row["name"]: row for row in content["contenders"]}
    assert set(rows) == {"untuned", "lora", "full"}
    assert all(row["status"] == "done" for row in rows.values())
    assert all(set(row["test"]) == {"f1", "exact_match", "loss"} for row in rows.values())
    assert rows["untuned"]["parameters"]["trainable"] == 0
    assert rows["untuned"]["seeds"] == [0]
    assert rows["full"]["test"]["loss"]["mean"] < rows["untuned"]["test"]["loss"]["mean"]
    assert content["metric"] == "f1"


def test_every_way_of_decoding_is_stored_with_the_one_that_counts_first(finished: Path) -> None:
    path = next(finished.glob("tests/*/predictions/test.parquet"))
    rows = pq.read_table(path).to_pylist()
    assert [(row["strategy"], row["sample"]) for row in rows[:3]] == [
        ("greedy", 0),
        ("top-k 5", 0),
        ("top-k 5", 1),
    ]
    assert len(rows) == 12 * 3
    assert all(row["references"] and row["tokens"] <= 8 for row in rows)


def test_the_report_shows_questions_and_answers(finished: Path) -> None:
    page = (finished / "report" / "index.html").read_text()
    assert "Where is the" in page
    assert "nobody&#39;s answer" in page or "✓" in page
