"""A study that leaves the pooling open settles it for each model, and names its trials by it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.backbones.test_suited_pooling import sentence_encoder, without_pooler

from tunewise.core.errors import InputError
from tunewise.estimate.plan import plan
from tunewise.store.identity import trial_id
from tunewise.studies.prepare import Prepared, prepare
from tunewise.studyfile.studyfile import read_study

Checkpoint = Callable[[str], Path]


@pytest.fixture
def models(checkpoint: Checkpoint, tmp_path: Path) -> dict[str, str]:
    """Three BERTs: whole, without a pooler, and as a sentence encoder that reads [CLS]."""
    copies = {
        name: Path(shutil.copytree(checkpoint("bert"), tmp_path / name))
        for name in ("whole", "bare", "sentence")
    }
    without_pooler(copies["bare"])
    sentence_encoder(copies["sentence"], "cls")
    return {name: str(folder) for name, folder in copies.items()}


STEPPED = {"name": "stepped", "training": {"optimizer": "adamw", "learning_rate": 0.01}}


def study(models: list[str], methods: Sequence[Any] = ("tfidf", "head"), **task: Any) -> Any:
    return read_study(
        {
            "name": "toy",
            "task": {"kind": "classification", "text": "text", "label": "label", **task},
            "data": {
                "source": "embedded:reviews",
                "limit": {"train": 20, "validation": 8, "test": 8},
            },
            "models": models,
            "methods": list(methods),
            "training": {"max_length": 16},
        }
    )


def poolings(prepared: Prepared) -> dict[str | None, Any]:
    return {row.model: row.points[0].settings.task["pooling"] for row in prepared.study.contenders}


def ids(prepared: Prepared) -> dict[str | None, str]:
    return {row.model: trial_id(row.points[0].identity, 0) for row in prepared.study.contenders}


def test_each_model_is_pooled_as_fits_it_and_the_study_says_why(models: dict[str, str]) -> None:
    whole, bare, sentence = models.values()
    found = prepare(study([whole, bare, sentence]))
    assert poolings(found) == {None: "auto", whole: "library", bare: "mean", sentence: "cls"}
    lacks = "mean (the checkpoint lacks the pooler that the library's head reads)"
    trained = "cls (as the sentence encoder was trained)"
    assert found.study.pooling == {
        whole: "library (the library's own head)",
        bare: lacks,
        sentence: trained,
    }
    message = [note for note in found.notes if note.startswith("pooling of")]
    assert message == [f"pooling of {bare}: {lacks}.", f"pooling of {sentence}: {trained}."]
    counted = {row.model: row.parameters for row in found.study.contenders}
    labels = len(found.study.labels)
    for model in (whole, bare, sentence):
        parameters = counted[model]
        assert parameters is not None
        assert parameters.trainable == parameters.head == 16 * labels + labels


def test_what_fits_has_the_ids_of_the_same_pooling_by_name(models: dict[str, str]) -> None:
    sentence = models["sentence"]
    left, named = prepare(study([sentence])), prepare(study([sentence], pooling="cls"))
    other = prepare(study([sentence], pooling="max"))
    assert ids(left)[sentence] == ids(named)[sentence] != ids(other)[sentence]
    assert ids(left)[None] == ids(prepare(study([models["whole"]])))[None]  # it reads no model
    assert named.study.pooling == {} and "pooling" not in named.study.as_json()
    assert not any(note.startswith("pooling of") for note in named.notes)


def test_a_solved_head_alone_reads_directions(models: dict[str, str]) -> None:
    folder = models["sentence"]
    sentence_encoder(Path(folder), "mean", "Normalize")
    found = prepare(study([folder], methods=["head", "lora", {"head": STEPPED}]))
    asked = [row.points[0].settings.task["pooling"] for row in found.study.contenders]
    assert asked == ["normalized_mean", "mean", "mean"]
    assert found.study.contenders[0].features == found.study.contenders[2].features


def test_what_a_model_does_not_say_is_reported_of_that_model(models: dict[str, str]) -> None:
    folder = Path(models["sentence"])
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode": "attention"}')
    with pytest.raises(InputError) as message:
        prepare(study([models["whole"], str(folder)]))
    (problem,) = message.value.problems
    assert problem.place == "models[1]" and "'attention'; known: cls" in str(problem)
    prepare(study([str(folder)], pooling="mean"))


def test_a_plan_counts_the_head_that_will_be_trained(models: dict[str, str]) -> None:
    found = plan(study([models["bare"]]), workers=1)
    assert any("lacks the pooler" in note for note in found.notes)
    head = next(row for row in found.contenders if row.name == "head")
    prepared = prepare(study([models["bare"]])).study.contenders[1].parameters
    assert head.parameters is not None and prepared is not None
    assert head.parameters == prepared.as_json()


def test_a_pooling_that_is_none_is_answered_with_the_nearest(models: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"task\.pooling.*'weighted_mean'.*weightedmean"):
        study([models["whole"]], pooling="weighted_mean")
