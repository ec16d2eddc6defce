"""Methods on a causal language model: what is trained, learned, saved, and answered after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from tests.proofs import ask_here
from tests.tasks.conftest import questions, save_writer
from transformers import AutoModel, AutoModelForCausalLM, GPT2Config

from tunewise.backbones.load import build_writer
from tunewise.backbones.model import Model
from tunewise.backbones.sources import resolve
from tunewise.backbones.transformers_logging import quiet
from tunewise.core.canonical import settings_of
from tunewise.core.errors import InputError
from tunewise.costs.parameters import parameter_counts
from tunewise.export.artifact import write_artifact
from tunewise.export.proof import prove
from tunewise.methods.base import METHODS
from tunewise.store.records import ModelRecord, TrialSettings
from tunewise.studies.contenders.models import Inspector
from tunewise.tasks.base import Asking, Batch
from tunewise.tasks.question_answering import QuestionAnswering
from tunewise.training.assembly import Parts, prepared_model
from tunewise.training.predictor import ModelPredictor

TASK = QuestionAnswering(max_new_tokens=6)
METHOD_SETTINGS: dict[str, dict[str, Any]] = {
    "lora": {"rank": 2, "targets": ("attention", "mlp")},
    "full": {},
    "prefix": {"length": 5},
    "bitfit": {},
    "last-layers": {"count": 1},
}
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
every_method = pytest.mark.parametrize("name", METHOD_SETTINGS)


def prepared(writer: Path, name: str, seed: int = 1) -> tuple[Model, Any]:
    model = TASK.builder.build(str(writer), seed=0)
    method: Any = METHODS.build(name, METHOD_SETTINGS[name])
    torch.manual_seed(seed)
    method.prepare(model)
    return model, method


def batch_of(model: Model, count: int = 8) -> Batch:
    examples = [TASK.read(row) for row in questions(count, 0)]
    encoded = TASK.encode(examples, model.processor, max_length=200, learning=True)
    return TASK.collate(encoded, model.processor)


def train(model: Model, steps: int) -> list[float]:
    batch = batch_of(model)
    weights = [weight for weight in model.module.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=3e-2, weight_decay=0)
    losses = []
    for _ in range(steps):
        loss = TASK.loss(model.module, batch).total / batch.targets
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@every_method
def test_it_learns_answers_and_leaves_frozen_parameters_alone(writer: Path, name: str) -> None:
    model, _ = prepared(writer, name)
    frozen = {n: p.clone() for n, p in model.module.named_parameters() if not p.requires_grad}
    losses = train(model, 20)
    assert losses[-1] < 0.95 * losses[0]
    for path, parameter in model.module.named_parameters():
        assert path not in frozen or torch.equal(parameter, frozen[path]), path


@every_method
def test_what_is_saved_answers_the_same(writer: Path, name: str, tmp_path: Path) -> None:
    model, method = prepared(writer, name)
    train(model, 3)
    method.save(model, tmp_path)
    fresh, _ = prepared(writer, name, seed=5)
    method.load(fresh, tmp_path)
    batch = batch_of(model, 3)
    with torch.inference_mode():
        found = [
            TASK.predict(one.module.eval(), batch, Asking(one.processor)) for one in (model, fresh)
        ]
    assert found[0] == found[1]


@every_method
def test_writing_goes_on_as_reading_it_again_would(writer: Path, name: str) -> None:
    """A cache, a prefix before the prompt: each token is still the likeliest after all before."""
    model, _ = prepared(writer, name)
    train(model, 3)
    model.module.eval()
    batch = batch_of(model, 3)
    with torch.inference_mode():
        found = TASK.predict(model.module, batch, Asking(model.processor))
        for prompt, prediction in zip(batch.prompts, found, strict=True):
            ids = list(prompt)
            for _ in range(prediction.written[0].tokens):
                logits = model.module(torch.tensor([ids]), use_cache=False).logits
                ids.append(int(logits[0, -1].argmax()))
            again = model.processor.decode(ids[len(prompt) :], skip_special_tokens=True)
            assert again.partition("\n")[0].strip().startswith(prediction.written[0].text)


def test_an_adapter_loads_into_peft_as_a_causal_language_model(
    writer: Path, tmp_path: Path
) -> None:
    model, method = prepared(writer, "lora")
    train(model, 3)
    method.save(model, tmp_path)
    with quiet():
        base = AutoModelForCausalLM.from_pretrained(writer)
        theirs = PeftModel.from_pretrained(base, tmp_path).eval()
    inputs = batch_of(model, 3).inputs
    with torch.inference_mode():
        ours = model.module.eval()(**inputs).logits
        real = inputs["attention_mask"] == 1
        torch.testing.assert_close(theirs(**inputs).logits[real], ours[real], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("of_task", "of_training", "used"),
    [("all", None, "all"), ("all", "answer", "answer"), ("answer", "all", "all")],
)
def test_the_training_decides_what_the_loss_is_over_where_it_says_so(
    writer: Path, of_task: str, of_training: str | None, used: str
) -> None:
    settings = {
        "task": {"kind": "question-answering", "loss_on": of_task},
        "data": {"hash": "0"},
        "method": {"name": "full", "version": 1, "settings": {}},
        "training": {"loss_on": of_training},
        "seed": 0,
    }
    writing = Parts.of(TrialSettings.from_json(settings), writer).task.writing
    assert writing is not None
    assert writing.loss_on == used


@pytest.mark.parametrize(("name", "form"), [("prefix", "tunewise"), ("untuned", "transformers")])
def test_what_neither_library_adapts_is_exported_in_a_form_that_is_proven(
    writer: Path, tmp_path: Path, name: str, form: str
) -> None:
    chosen = METHODS.build(name, METHOD_SETTINGS.get(name, {}))
    settings = {
        "task": {"kind": "question-answering", "max_new_tokens": 6},
        "data": {"hash": "0"},
        "model": {"source": str(writer), "revision": None, "hash": "0"},
        "method": {"name": name, "version": chosen.version, "settings": settings_of(chosen)},
        "training": {"max_length": 160},
        "seed": 0,
    }
    parts = Parts.of(TrialSettings.from_json(settings), writer)
    method: Any = parts.method
    predictor = ModelPredictor(TASK, method, prepared_model(parts, method), 160)
    examples = [TASK.read(row) for row in questions(4, 0)]
    assert write_artifact(parts, predictor, tmp_path, merge=False) == form
    proof = prove(form, parts, predictor, examples, tmp_path, ask=ask_here)
    assert proof.passed, proof


def test_a_writer_has_no_new_number(writer: Path) -> None:
    model = build_writer(str(writer), seed=0)
    assert model.head == []
    assert model.backbones == {"text": "transformer"}
    assert model.processor.pad_token_id == model.processor.eos_token_id
    names = [name for name, _ in model.module.named_parameters()]
    assert "lm_head.weight" not in names  # it is the token embeddings


@pytest.mark.parametrize(("tied", "counted"), [(True, 0), (False, 257 * 16)])
def test_a_plan_counts_a_shared_output_layer_once(tmp_path: Path, tied: bool, counted: int) -> None:
    save_writer(tmp_path, tie_word_embeddings=tied)
    source = ModelRecord.from_json(resolve(str(tmp_path), None))
    full: Any = METHODS.build("full", {})
    planned = Inspector(source, TASK, ()).inspect(full, 200, "0")
    model, _ = prepared(tmp_path, "full")
    real = parameter_counts(model.module, model.head)
    assert planned.parameters == real
    backbone = sum(p.numel() for p in model.module.get_submodule("transformer").parameters())
    assert real.trainable == backbone + counted


def test_a_checkpoint_without_its_own_output_layer_is_refused(tmp_path: Path) -> None:
    save_writer(tmp_path, tie_word_embeddings=False)
    assert build_writer(str(tmp_path), seed=0).head == []
    with quiet():
        config = GPT2Config.from_pretrained(tmp_path)
        AutoModel.from_config(config).save_pretrained(tmp_path)  # the backbone alone
    with pytest.raises(InputError, match="holds no output layer, so it cannot write"):
        build_writer(str(tmp_path), seed=0)


def test_an_encoder_cannot_write(checkpoint: Any) -> None:
    with pytest.raises(InputError, match=r"cannot be loaded as a writer|no output layer"):
        build_writer(str(checkpoint("distilbert")), seed=0)
