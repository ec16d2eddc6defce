"""What every registered method promises. A new method is tested here by being registered."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import ResNetConfig, ResNetModel

from tunewise.backbones.encoders import ImageEncoder, TextEncoder
from tunewise.backbones.fusion import Fusion, FusionHead, head_names
from tunewise.backbones.model import Model, training_mode
from tunewise.core.errors import InputError
from tunewise.data.examples import Example
from tunewise.methods.base import METHODS, Adaptation, Direct
from tunewise.training.checks.dry_run import fill_with_noise

Tiny = Callable[..., Model]
OPTIONS = ("bad", "fine", "good")  # the label is the word that occurs
OPENINGS = ("the room is", "a bed is", "the bed is very", "a warm room is")
TEXTS = [f"{opening} {option}" for opening in OPENINGS for option in OPTIONS]
LABELS = [number for _ in OPENINGS for number in range(len(OPTIONS))]

NEEDED: dict[str, list[dict[str, Any]]] = {  # settings of methods that have none by default
    "peft": [
        {"peft_type": "ADALORA", "init_r": 4, "target_r": 2},
        {"peft_type": "BOFT", "boft_block_size": 4},
        {"peft_type": "IA3"},
        {"peft_type": "LN_TUNING"},
        {"peft_type": "LOHA"},
        {"peft_type": "LOKR"},
        {"peft_type": "LORA", "use_dora": True, "target_modules": ("attention+mlp",)},
        {"peft_type": "OFT", "oft_block_size": 4},
        {"peft_type": "P_TUNING", "num_virtual_tokens": 4},
        {"peft_type": "PREFIX_TUNING", "num_virtual_tokens": 4},
        {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 4},
        {"peft_type": "VBLORA", "vector_length": 8, "num_vectors": 32},
        {"peft_type": "VERA", "r": 16},
    ]
}
SETTINGS = {
    f"{name}-{chosen['peft_type']}" if "peft_type" in chosen else name: (name, chosen)
    for name, kind in METHODS.classes.items()
    if issubclass(kind, Adaptation)
    for chosen in NEEDED.get(name, [{}])
}
ADAPTATIONS = list(SETTINGS)
DIRECT = [  # those that use a model have tests of their own, with one that fits
    name
    for name, kind in METHODS.classes.items()
    if issubclass(kind, Direct) and not kind.uses_model
]
every_adaptation = pytest.mark.parametrize("name", ADAPTATIONS)
every_pooling = pytest.mark.parametrize("pooling", ["library", "mean"])
every_direct = pytest.mark.parametrize("name", DIRECT)


@every_adaptation
@every_pooling
def test_it_learns_and_leaves_frozen_parameters_alone(tiny: Tiny, name: str, pooling: str) -> None:
    model, _ = prepared(tiny, name, pooling)
    frozen = {n: p.clone() for n, p in model.module.named_parameters() if not p.requires_grad}
    first, last = train(model)
    assert last < 0.9 * first
    for path, parameter in model.module.named_parameters():
        assert path not in frozen or torch.equal(parameter, frozen[path]), path


@every_adaptation
@every_pooling
def test_every_new_number_is_trained(tiny: Tiny, name: str, pooling: str) -> None:
    model, _ = prepared(tiny, name, pooling)
    parameters = dict(model.module.named_parameters())
    assert all(parameters[path].requires_grad for path in model.head)


@every_adaptation
@every_pooling
def test_groups_hold_every_trainable_parameter_once(tiny: Tiny, name: str, pooling: str) -> None:
    model, method = prepared(tiny, name, pooling)
    grouped = [path for group in method.groups(model) for path in group["params"]]
    trained = [path for path, p in model.module.named_parameters() if p.requires_grad]
    assert sorted(grouped) == sorted(trained)


@every_adaptation
def test_it_can_be_prepared_on_fake_tensors(tiny: Tiny, name: str) -> None:
    """As a plan does, to count them."""
    model, method = prepared(tiny, name, "library")
    empty = fresh(tiny, name, "library")
    buffers = {path: buffer.clone() for path, buffer in empty.module.named_buffers()}
    empty.module.to("meta")
    if method.needs_weights:
        fill_with_noise(empty.module, buffers)
    method.prepare(empty)
    shapes = [(n, p.shape, p.requires_grad) for n, p in model.module.named_parameters()]
    assert [(n, p.shape, p.requires_grad) for n, p in empty.module.named_parameters()] == shapes


@every_adaptation
@every_pooling
def test_what_is_saved_comes_back(tiny: Tiny, name: str, pooling: str, tmp_path: Path) -> None:
    model, method = prepared(tiny, name, pooling)
    train(model, steps=3)
    method.save(model, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".safetensors"}
    other, _ = prepared(tiny, name, pooling, seed=5)
    assert not torch.equal(logits(other), logits(model))
    method.load(other, tmp_path)
    assert torch.equal(logits(other), logits(model))


@every_adaptation
def test_what_was_trained_on_other_weights_is_refused(
    tiny: Tiny, name: str, tmp_path: Path
) -> None:
    model, method = prepared(tiny, name, "library")
    frozen = [p for p in model.module.parameters() if not p.requires_grad]
    if not frozen:
        return  # everything is in the artifact
    method.save(model, tmp_path)
    with torch.no_grad():
        frozen[0].add_(0.01)
    with pytest.raises(InputError, match="It fits only the model that it was trained on"):
        method.load(model, tmp_path)


@every_adaptation
@every_pooling
def test_merged_is_the_same_function_and_changes_nothing(
    tiny: Tiny, name: str, pooling: str
) -> None:
    model, method = prepared(tiny, name, pooling)
    train(model, steps=3)
    before = logits(model)
    merged: Any = method.merged(model)
    if merged is not None:
        torch.testing.assert_close(logits(model, merged), before, rtol=0, atol=1e-5)
    assert torch.equal(logits(model), before)


@every_direct
def test_a_fitted_method_answers_for_every_option(tiny: Tiny, name: str) -> None:
    method: Any = METHODS.build(name, {})
    found = method.fit(examples(), OPTIONS, model=tiny("bert"), seed=0).predict(examples())
    assert [prediction.id for prediction in found] == [example.id for example in examples()]
    for prediction in found:
        assert math.isclose(sum(prediction.probabilities), 1)
        assert prediction.choice == prediction.probabilities.index(max(prediction.probabilities))
    losses = [prediction.loss for prediction in found]
    assert sum(losses) / len(losses) <= math.log(len(OPTIONS)) + 1e-9  # no worse than guessing


@every_direct
def test_a_fitted_method_comes_back_from_disk(tiny: Tiny, name: str, tmp_path: Path) -> None:
    method: Any = METHODS.build(name, {})
    predictor = method.fit(examples(), OPTIONS, model=tiny("bert"), seed=0)
    predictor.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".safetensors"}
    again = method.load(tmp_path, model=tiny("bert"))
    assert again.predict(examples()) == predictor.predict(examples())


@every_direct
def test_an_option_that_training_never_showed_has_a_finite_loss(tiny: Tiny, name: str) -> None:
    method: Any = METHODS.build(name, {})
    train_rows = [example for example in examples() if example.label != 1]
    found = method.fit(train_rows, OPTIONS, model=tiny("bert"), seed=0).predict(examples())
    assert all(math.isfinite(prediction.loss) for prediction in found)
    assert all(prediction.choice != 1 for prediction in found)


def fresh(tiny: Tiny, name: str, pooling: str, seed: int = 1) -> Model:
    """A model as its checkpoint has it; one with an image encoder for what needs one."""
    model = tiny("bert", pooling=pooling, seed=seed, dropout=0.0)
    if name != "fusion":
        return model
    torch.manual_seed(0)
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1])
    image = ImageEncoder(ResNetModel(config))
    text = TextEncoder(model.module.get_submodule(model.backbones["text"]))
    torch.manual_seed(seed)
    head = FusionHead(image.size, text.size, len(OPTIONS), width=8)
    module = Fusion(image, text, head).eval()
    backbones = {"image": "image.trunk", "text": "text.trunk"}
    return replace(model, module=module, backbones=backbones, head=head_names(module))


def prepared(tiny: Tiny, name: str, pooling: str, seed: int = 1) -> tuple[Model, Any]:
    method: Any = METHODS.build(*SETTINGS[name])
    model = fresh(tiny, name, pooling, seed)
    torch.manual_seed(seed)
    method.prepare(model)
    return model, method


def train(model: Model, steps: int = 30) -> tuple[float, float]:
    """The loss before the first step and the last one, on all texts at once."""
    optimizer = torch.optim.Adam([p for p in model.module.parameters() if p.requires_grad], lr=0.02)
    losses = []
    training_mode(model)
    for _ in range(steps):
        loss = cross_entropy(model.module(**batch(model)).logits, torch.tensor(LABELS))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.module.eval()
    return losses[0], losses[-1]


@torch.no_grad()
def logits(model: Model, module: Any = None) -> Tensor:
    answer: Tensor = (module or model.module).eval()(**batch(model)).logits
    return answer


def batch(model: Model) -> dict[str, Tensor]:
    encoded = model.processor(TEXTS, padding=True, return_tensors="pt")
    inputs = {name: encoded[name] for name in ("input_ids", "attention_mask")}
    if "image" in model.backbones:
        drawn = torch.Generator().manual_seed(0)
        inputs["pixel_values"] = torch.randn(len(TEXTS), 3, 16, 16, generator=drawn)
    return inputs


def examples() -> list[Example]:
    rows = zip(TEXTS, LABELS, strict=True)
    return [Example(str(i), (text,), label) for i, (text, label) in enumerate(rows)]


@pytest.mark.parametrize("name", [name for name in ADAPTATIONS if not name.startswith("peft-")])
def test_every_default_learning_rate_has_its_reason(name: str) -> None:
    source = inspect.getsource(METHODS.get(name)).splitlines()
    [at] = [number for number, line in enumerate(source) if line.startswith("    learning_rate = ")]
    assert source[at - 1].startswith("    # ")
