"""Exported folders of every form: what loads them, and that it is proven."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import OPTIONS
from tests.proofs import ask_here
from transformers import AutoTokenizer

from tunewise.core.canonical import settings_of
from tunewise.core.errors import InputError
from tunewise.data.examples import Example
from tunewise.export.artifact import Form, write_artifact
from tunewise.export.proof import EXAMPLES, prove
from tunewise.methods.base import METHODS, Adaptation
from tunewise.store.records import TrialSettings
from tunewise.training.assembly import Parts, prepared_model
from tunewise.training.finished import load_exported
from tunewise.training.predictor import ModelPredictor

Checkpoint = Callable[[str], Path]
WORDS = ("good", "bad", "cold", "warm", "room")


def trained(checkpoint: Path, method: str, *, pooling: str = "library", texts: int = 1) -> Any:
    """The parts and the predictor of a contender whose trainable parameters are random."""
    prompt = {"num_virtual_tokens": 3} if method.endswith("_TUNING") else {}
    name, chosen = ("peft", {"peft_type": method, **prompt}) if method.isupper() else (method, {})
    part = METHODS.build(name, chosen)
    columns = ["text"] if texts == 1 else ["question", "passage"]
    settings = {
        "task": {
            "kind": "classification",
            "text": columns,
            "label": "label",
            "labels": list(OPTIONS),
            "pooling": pooling,
        },
        "data": {"hash": "0"},
        "model": {"source": str(checkpoint), "revision": None, "hash": "0"},
        "method": {"name": name, "version": part.version, "settings": settings_of(part)},
        "training": {"max_length": 12},
        "seed": 0,
    }
    parts = Parts.of(TrialSettings.from_json(settings), checkpoint)
    assert isinstance(parts.method, Adaptation)
    model = prepared_model(parts, parts.method)
    with torch.no_grad():
        for weight in model.module.parameters():
            if weight.requires_grad:
                weight.add_(0.3 * torch.randn(weight.shape))
    return parts, ModelPredictor(parts.task, parts.method, model, parts.max_length(model))


def examples(texts: int = 1) -> list[Example]:
    """From one word to thirty, so that some are cut; of pairs one text or the other is long."""
    rows = []
    for number in range(40):
        words = [WORDS[(number * 7 + place) % len(WORDS)] for place in range(1 + number % 30)]
        pair = (" ".join(words), "the bed is fine") if number % 2 else ("is it", " ".join(words))
        rows.append(Example(str(number), (" ".join(words),) if texts == 1 else pair))
    return rows


@pytest.mark.parametrize(
    ("how", "settings", "merge", "form"),
    [
        (("gpt2", "lora"), {}, False, "peft"),  # its base knows no padding token
        (("roberta", "lora"), {"texts": 2}, True, "transformers"),
        (("distilbert", "bitfit"), {}, False, "transformers"),
        (("bert", "prefix"), {}, False, "tunewise"),
        (("bert", "full"), {"pooling": "mean"}, False, "tunewise"),
        (("bert", "lora"), {"pooling": "mean"}, False, "tunewise"),
        (("distilbert", "IA3"), {}, False, "peft"),
        (("roberta", "PROMPT_TUNING"), {"texts": 2}, False, "peft"),
    ],
)
def test_it_is_written_in_its_form_and_proven(  # noqa: PLR0917  # pytest calls it by name
    checkpoint: Checkpoint,
    tmp_path: Path,
    how: tuple[str, str],
    settings: dict[str, Any],
    merge: bool,
    form: Form,
) -> None:
    family, method = how
    parts, predictor = trained(checkpoint(family), method, **settings)
    items = examples(settings.get("texts", 1))
    before = predictor.predict(items)
    assert write_artifact(parts, predictor, tmp_path / "out", merge=merge) == form
    proof = prove(form, parts, predictor, items, tmp_path / "out", ask=ask_here)
    assert proof.passed, proof
    assert proof.examples == EXAMPLES
    again = load_exported(tmp_path / "out").predict(items)
    torch.testing.assert_close(
        torch.tensor([answer.probabilities for answer in again]),
        torch.tensor([answer.probabilities for answer in before]),
        rtol=0,
        atol=1e-5,
    )


def test_odd_texts_hinder_no_proof_and_are_read_as_text_by_others_too(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    parts, predictor = trained(checkpoint("distilbert"), "bitfit")
    items = [Example("0", ("good [SEP] bed",)), Example("1", ("",)), Example("2", ("a bed",))]
    write_artifact(parts, predictor, tmp_path / "out", merge=False)
    proof = prove("transformers", parts, predictor, items, tmp_path / "out", ask=ask_here)
    assert proof.passed, proof
    assert proof.examples == 2  # this tokenizer knows [SEP] as a word: it alone reads it otherwise
    exported = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert exported.split_special_tokens


def test_a_prefix_cannot_be_merged(checkpoint: Checkpoint, tmp_path: Path) -> None:
    parts, predictor = trained(checkpoint("bert"), "prefix")
    with pytest.raises(InputError, match="what 'prefix' trains does not fold"):
        write_artifact(parts, predictor, tmp_path / "out", merge=True)
    assert not (tmp_path / "out").exists()


def test_an_altered_weight_fails_the_proof(checkpoint: Checkpoint, tmp_path: Path) -> None:
    parts, predictor = trained(checkpoint("bert"), "head")
    form = write_artifact(parts, predictor, tmp_path, merge=False)
    with torch.no_grad():
        predictor.model.module.classifier.bias[0] += 0.01
    proof = prove(form, parts, predictor, examples(), tmp_path, ask=ask_here)
    assert not proof.passed
    assert proof.difference == pytest.approx(0.01, abs=1e-4)


def test_what_does_not_load_fails_the_proof_with_the_reason(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    parts, predictor = trained(checkpoint("bert"), "head")
    form = write_artifact(parts, predictor, tmp_path, merge=False)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": "burt"}))
    proof = prove(form, parts, predictor, examples(), tmp_path)
    assert not proof.passed
    assert "it does not load" in proof.detail
