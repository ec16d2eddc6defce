"""A small study on files and a model made on the spot, run through the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from tests.commands import Run


def write_reviews(path: Path, rows: int, seed: int) -> None:
    """Ten words a row; the label says whether more of them are good or bad."""
    random = Random(seed)
    lines = ["text,label"]
    for _ in range(rows):
        words = [random.choice(["good", "bad", "room", "bed", "warm", "cold"]) for _ in range(10)]
        lines.append(f"{' '.join(words)},{'yes' if words.count('good') > 1 else 'no'}")
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, checkpoint: Callable[[str], Path]) -> Path:
    """A folder with data, a study file and, in ``runs/small``, that study undisturbed."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "data").mkdir()
    for number, (split, rows) in enumerate({"train": 120, "validation": 60, "test": 60}.items()):
        write_reviews(folder / "data" / f"{split}.csv", rows, number)
    (folder / "study.yaml").write_text(
        f"""
name: small
task: {{kind: classification, text: text, label: label}}
data: {{source: data}}
models: ["{checkpoint("bert")}"]
methods:
  - majority
  - tfidf
  - head
  - lora: {{rank: 2, dropout: 0.1}}
  - full
training: {{epochs: 2, batch_size: 8}}
search: {{learning_rate: [1e-2, 3e-3]}}
seeds: [0, 1]
accept_leakage: short texts of few words may repeat
"""
    )
    return folder


@pytest.fixture(scope="session")
def finished(place: Path, tunewise: Run) -> Path:
    """The folder of the small study, run once without disturbance."""
    ran = tunewise("run", "study.yaml", cwd=place)
    assert ran.returncode == 0, ran.stderr
    return place / "runs" / "small"
