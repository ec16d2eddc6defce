"""What a trial of the larger tasks holds, and what a plan of its study says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.tasks.conftest import questions, write_rows

from tunewise.estimate.memory import predict_memory
from tunewise.estimate.plan import plan
from tunewise.estimate.plan_types import Plan
from tunewise.estimate.step_shape import StepShape
from tunewise.methods.base import Adaptation
from tunewise.runner import run_job
from tunewise.store.study import StudyFolder
from tunewise.studies.jobs import next_jobs
from tunewise.studies.prepare import prepare, store
from tunewise.studyfile.studyfile import read_study
from tunewise.training.assembly import Parts

ROWS = {"train": 24, "validation": 12, "test": 12}
PHASES = ("forward", "backward", "update", "evaluation", "generation", "every_way")


@pytest.fixture
def study(tmp_path: Path, writer: Path) -> dict[str, Any]:
    for seed, (split, rows) in enumerate(ROWS.items()):
        write_rows(tmp_path / f"{split}.jsonl", questions(rows, seed))
    return {
        "name": "written",
        "task": {
            "kind": "question-answering",
            "max_new_tokens": 4,
            "decoding": ["greedy", "top-k 5"],
            "samples": 3,
        },
        "data": {"source": str(tmp_path)},
        "models": [str(writer)],
        "methods": ["untuned", {"lora": {"rank": 2, "targets": ["query"]}}],
        "training": {"epochs": 1, "batch_size": 8, "learning_rate": None},
    }


def planned(study: dict[str, Any]) -> Plan:
    return plan(read_study(study), workers=1)


def trained(study: dict[str, Any], folder: Path) -> tuple[dict[str, Any], Parts]:
    """The costs of its one trial with a training, and what that was made of."""
    made = StudyFolder.create(folder)
    with made.lock():
        store(prepare(read_study(study)), made)
    for job in next_jobs(made.study(), {}, {}):
        run_job(job, folder, lambda: False)
        costs = folder / "trials" / job.id / "costs.json"
        if job.kind == "trial" and "memory" in (found := json.loads(costs.read_text())):
            return found, Parts.of(job.settings, folder)
    raise AssertionError("no trial was trained")


def test_a_plan_predicts_what_a_trial_that_writes_answers_holds(
    study: dict[str, Any], tmp_path: Path
) -> None:
    predicted = planned(study)
    costs, _ = trained(study, tmp_path / "run")
    rows = {row.name: row for row in predicted.contenders}
    untuned, lora = rows["untuned"], rows["lora"]
    assert untuned.phases is not None and lora.phases is not None
    assert set(untuned.phases) == {"evaluation", "generation", "every_way"}
    assert set(lora.phases) == set(PHASES)
    measured = costs["memory"]["peak_bytes"]
    assert set(measured) == set(PHASES)
    # Answers of the trial may end early; its batches are not all as long as the longest.
    for phase in PHASES:
        assert 0.85 * lora.phases[phase] < measured[phase] <= 1.01 * lora.phases[phase], phase
    assert lora.parameters is not None
    assert lora.parameters["trainable"] == costs["memory"]["trainable_bytes"] / 4
    assert lora.seconds > untuned.seconds > 0


def test_the_counted_batches_of_a_trial_hold_what_their_shape_predicts(
    study: dict[str, Any], tmp_path: Path, writer: Path
) -> None:
    study["task"] |= {"decoding": ["greedy"], "samples": 1}
    study["methods"] = study["methods"][1:]
    costs, parts = trained(study, tmp_path / "run")
    counted = costs["memory"]["counted"]
    model = parts.task.builder.shape([writer], options=())
    assert model is not None and isinstance(parts.method, Adaptation)
    limit = parts.max_length(model)
    held = parts.task.encode(parts.examples("validation"), model.processor, max_length=limit)
    shape = StepShape(
        counted["examples"],
        counted["tokens"],
        targets=counted["targets"],
        evaluated=len(held),
        evaluated_tokens=max(example.length for example in held),
        evaluated_targets=sum(example.length - example.prompt for example in held),
        prompt_tokens=max(example.prompt for example in held),
    )
    predicted = predict_memory(model, parts.task, parts.method, parts.training, shape).memory
    for phase in PHASES[:-1]:
        expected = predicted.peak_bytes(phase)
        assert costs["memory"]["peak_bytes"][phase] == pytest.approx(expected, rel=0.02), phase


def test_a_plan_of_images_needs_configurations_alone(
    data_folder: Path, image_encoder: Path, checkpoint: Any, tmp_path: Path
) -> None:
    for name, source in {"image": image_encoder, "text": checkpoint("bert")}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_bytes((source / "config.json").read_bytes())
    task = {"image": "image", "question": "question", "answer": "answer", "folder": "pictures"}
    found = planned(
        {
            "name": "pictures",
            "task": {"kind": "visual-question-answering", **task},
            "data": {"source": str(data_folder)},
            "models": [{"image": str(tmp_path / "image"), "text": str(tmp_path / "text")}],
            "methods": ["majority", "fusion", {"lora": {"rank": 2, "targets": ["text.query"]}}],
            "training": {"epochs": 2, "batch_size": 8, "learning_rate": None},
            "accept_leakage": "plain colours may repeat",
        }
    )
    rows = {row.name: row for row in found.contenders}
    fusion, lora = rows["fusion"], rows["lora"]
    assert fusion.phases is not None and lora.phases is not None
    assert {"texts", "pictures"} <= set(fusion.phases)
    assert "pictures" in lora.phases and "texts" not in lora.phases
    assert fusion.phases["forward"] < lora.phases["forward"]
    assert fusion.features_seconds > lora.features_seconds > 0
    assert fusion.seconds < lora.seconds
    assert any("no tokenizer" in note for note in found.notes)
