"""A plan from configurations alone: no weights, no tokenizer."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import CONFIGURATIONS
from tests.forecasts import predicted_by_a_process
from transformers import AutoConfig
from typer.testing import CliRunner

from tunewise.cli.main import app
from tunewise.cli.plan import lines
from tunewise.core.errors import InputError
from tunewise.estimate.plan import plan
from tunewise.estimate.plan_types import Plan
from tunewise.estimate.seconds import steps_of
from tunewise.studyfile.studyfile import read_study
from tunewise.training.settings import TrainingSettings

ROWS = [{"text": "the room is good " * (1 + at % 5), "label": "ab"[at % 2]} for at in range(40)]


@pytest.fixture
def study(tmp_path: Path) -> dict[str, Any]:
    for split, count in {"train": 40, "validation": 20, "test": 30}.items():
        text = "".join(
            json.dumps({"text": f"{row['text']} {split} {at}", "label": row["label"]}) + "\n"
            for at, row in enumerate(ROWS[:count])
        )
        (tmp_path / f"{split}.jsonl").write_text(text)
    settings = {**CONFIGURATIONS["bert"], "hidden_size": 64}
    AutoConfig.for_model("bert", **settings).save_pretrained(tmp_path / "bert")
    return {
        "name": "planned",
        "task": {"kind": "classification", "text": "text", "label": "label"},
        "data": {"source": str(tmp_path)},
        "models": [str(tmp_path / "bert")],
        "methods": [
            "majority",
            "head",
            {"lora": {"rank": 2, "targets": ["query", "value"]}},
            "full",
        ],
        "training": {"epochs": 2, "batch_size": 8},
        "seeds": [0, 1, 2],
    }


def planned(study: dict[str, Any], **more: Any) -> Plan:
    return plan(read_study({**study, **more}), workers=2)


def test_a_study_of_open_length_has_an_expected_time_and_one_at_its_limit(
    study: dict[str, Any],
) -> None:
    """40 rows in batches of 2 are 20 steps an epoch: 200 to learn, 40 to decay, and at most 800."""
    left_open = planned(study, training={"batch_size": 2}, methods=[{"lora": {"rank": 2}}])
    assert left_open.seconds < 0.5 * left_open.longest_seconds
    assert "(at most " in left_open.time
    assert any("after about 240 steps" in note and "after 800" in note for note in left_open.notes)


@predicted_by_a_process()
def test_a_plan_needs_the_configuration_alone_and_is_remembered(study: dict[str, Any]) -> None:
    found = planned(study)
    rows = {row.name: row for row in found.contenders}
    assert found.trials == 1 + 3 + 3 + 3
    assert found.longest_seconds == found.seconds  # epochs are named
    assert rows["majority"].peak_bytes is None
    full, lora, head = rows["full"], rows["lora"], rows["head"]
    assert full.parameters is not None and lora.parameters is not None
    assert full.parameters["trainable"] == full.parameters["total"]
    assert full.artefact_bytes == 4 * full.parameters["total"]
    assert lora.groups is not None and lora.groups["adapter"]["trainable"] == 2 * 2 * 2 * 64 * 2
    assert lora.reduction == pytest.approx((64 * 2 + 2 * 64) / 64**2)
    assert full.kinds is not None and full.kinds["best_epoch"] == 4 * full.parameters["total"]
    assert all(row.seconds > 0 for row in (full, lora, head))
    assert full.seconds > head.seconds
    assert any("no tokenizer" in note for note in found.notes)
    assert all(len(line) <= 80 for line in lines(found) if not line.startswith("note"))

    start = time.monotonic()
    again = planned(study)
    assert again.contenders == found.contenders
    assert time.monotonic() - start < 5  # nothing is predicted twice


def test_what_does_not_fit_is_reported_with_what_would(study: dict[str, Any]) -> None:
    roomy = planned(study)
    most = max(row.peak_bytes or 0 for row in roomy.contenders)
    limit = roomy.libraries_bytes + int(0.97 * most)
    found = planned(study, memory_limit=f"{limit} B")
    full = next(row for row in found.contenders if row.name == "full")
    assert not full.fits
    assert any("accumulate" in remedy.settings for remedy in full.remedies)
    for remedy in full.remedies:
        assert remedy.peak_bytes + found.libraries_bytes <= limit
    assert "does not fit" in "\n".join(lines(found))


def test_a_method_that_fits_no_model_is_reported(study: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="cannot exceed"):
        planned(study, methods=[{"lora": {"rank": 1000}}])


def test_a_memory_limit_is_a_size(study: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="memory_limit"):
        read_study({**study, "memory_limit": "much"})


def test_the_command_prints_json(study: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(json.dumps(study))
    answer = CliRunner().invoke(app, ["plan", str(tmp_path / "study.yaml"), "--json"])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["trials"] == 10


def test_a_training_is_expected_to_end_with_its_search_length_and_decay() -> None:
    auto = TrainingSettings(batch_size=32, epochs="auto")
    assert steps_of(auto, 351) == (253, 440)  # 19 epochs of 11 steps, then a fifth as many
    assert steps_of(auto, 94) == (201, 201)  # its limit comes first
    assert steps_of(TrainingSettings(batch_size=32, epochs=3), 94) == (9, 9)
