"""Several models, one of which does not fit: its row says so, and the others finish."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.cli.conftest import write_reviews
from tests.commands import Ended, Run
from tests.conftest import CONFIGURATIONS, tokenizer
from transformers import AutoConfig, AutoModel

from tunewise.backbones.transformers_logging import quiet
from tunewise.store.study import StudyFolder

pytestmark = pytest.mark.usefixtures("true_drawings")

ROOM = 60  # MB beside the libraries: the small model takes 10, the large one 165


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT whose vocabulary alone makes full fine-tuning hold 165 MB: 10 M parameters, AdamW."""
    folder = tmp_path_factory.mktemp("large")
    torch.manual_seed(0)
    config = CONFIGURATIONS["bert"] | {"hidden_size": 512, "vocab_size": 20_000}
    with quiet():
        AutoModel.from_config(AutoConfig.for_model("bert", **config)).save_pretrained(folder)
        tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def study(
    tmp_path_factory: pytest.TempPathFactory, checkpoint: Callable[[str], Path], large: Path
) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (folder / "data").mkdir()
    for number, (split, rows) in enumerate({"train": 60, "validation": 40, "test": 40}.items()):
        write_reviews(folder / "data" / f"{split}.csv", rows, number)
    (folder / "study.yaml").write_text(
        f"""
name: models
task: {{kind: classification, text: text, label: label}}
data: {{source: data}}
models: ["{checkpoint("bert")}", "{large}"]
methods: [full]
training: {{epochs: 1, batch_size: 8, learning_rate: 1e-3}}
accept_leakage: short texts of few words may repeat
"""
    )
    return folder


@pytest.fixture(scope="module")
def alone(study: Path, tunewise: Run, checkpoint: Callable[[str], Path]) -> Ended:
    """The small model's study, in ``auto``, for which the batch size is found by probes."""
    chosen = ("--set", f"models=['{checkpoint('bert')}']", "--set", "training.batch_size=auto")
    return tunewise("run", "study.yaml", "--out", "auto", "--set", "name=small", *chosen, cwd=study)


def test_batch_size_auto_goes_from_probe_to_report(study: Path, alone: Ended) -> None:
    assert alone.returncode == 0, alone.stderr
    message = " ".join(alone.stderr.split())
    assert "batch_size auto: 60 for " in message  # as many as there are training rows
    content = StudyFolder.open(study / "auto").study()
    assert content.settings["training"]["batch_size"] == 60
    [record] = StudyFolder.open(study / "auto").records().values()
    assert record.result.steps == 1


def test_a_model_that_does_not_fit_is_a_row_and_stops_nobody(
    study: Path, tunewise: Run, alone: Ended
) -> None:
    assert alone.returncode == 0, alone.stderr
    [record] = StudyFolder.open(study / "auto").records().values()
    peak = record.costs.bytes.peak_resident
    assert peak is not None
    limit = peak // 1_000_000 + ROOM
    allowed = ("--set", f"memory_limit={limit} MB")
    ran = tunewise("run", "study.yaml", "--out", "out", *allowed, cwd=study)
    assert ran.returncode == 1, ran.stderr

    folder = StudyFolder.open(study / "out")
    lost, fine = sorted(folder.records().values(), key=lambda record: record.status == "done")
    assert (lost.status, fine.status) == ("out-of-memory", "done")
    assert str(lost.result.error).startswith("held more than the memory limit of ")
    assert (lost.costs.bytes.peak_resident or 0) > limit * 1_000_000
    assert len(folder.tests()) == 1

    content = json.loads((study / "out" / "report" / "evaluation_results.json").read_text())
    rows = {row["status"]: row for row in content["contenders"]}
    assert rows["out-of-memory"]["measured"]["peak_bytes"] > limit * 1_000_000
    assert rows["done"]["test"]["accuracy"]["mean"] > 0
    for name in ("both-splits", "test"):
        drawn = (study / "out" / "report" / "plots" / f"{name}-accuracy.svg").read_text()
        assert "out of memory" in drawn
    page = (study / "out" / "report" / "index.html").read_text()
    assert f"{rows['out-of-memory']['name']} out of memory, counted as 0" in page
