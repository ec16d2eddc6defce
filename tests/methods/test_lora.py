"""LoRA on whole models: what is trained, and adapters that PEFT and we both read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from torch import Tensor

from tunewise.backbones.model import Model
from tunewise.core.errors import InputError
from tunewise.core.files import read_json, write_json
from tunewise.methods.lora import LoRA
from tunewise.methods.lora_files import lora_layers

Tiny = Callable[..., Model]
FAMILIES = ("bert", "roberta", "distilbert", "deberta-v2", "modernbert", "gpt2", "llama")
IDS = torch.tensor([[2, 4, 9, 3], [2, 5, 6, 3]])

# PEFT asks a model of transformers for a property by the name it had before.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", ["library", "mean"])
def test_peft_reads_our_adapter(tiny: Tiny, family: str, pooling: str, tmp_path: Path) -> None:
    model, method = tiny(family, pooling=pooling), LoRA(rank=4, targets=("attention+mlp",))
    method.prepare(model)
    disturb(model)
    method.save(model, tmp_path)
    base: Any = tiny(family, pooling=pooling, seed=2).module
    theirs = peft.PeftModel.from_pretrained(base, str(tmp_path)).eval()
    agree(theirs, model.module)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", ["library", "mean"])
def test_we_read_an_adapter_of_peft(tiny: Tiny, family: str, pooling: str, tmp_path: Path) -> None:
    ours, method = tiny(family, pooling=pooling), LoRA(rank=4, targets=("attention+mlp",))
    method.prepare(ours)
    method.save(ours, tmp_path / "ours")
    config: Any = peft.LoraConfig.from_pretrained(str(tmp_path / "ours"))
    config.inference_mode = False
    source: Any = tiny(family, pooling=pooling, seed=2)
    theirs: Any = peft.get_peft_model(source.module, config).eval()
    with torch.no_grad():
        for weight in theirs.parameters():
            if weight.requires_grad:
                weight.normal_(std=0.1)
    theirs.save_pretrained(str(tmp_path / "theirs"))
    method.load(ours, tmp_path / "theirs")
    agree(theirs, ours.module)


@pytest.mark.parametrize("family", FAMILIES)
def test_as_many_parameters_are_trained_as_by_peft(tiny: Tiny, family: str, tmp_path: Path) -> None:
    ours, method = tiny(family), LoRA(rank=3, targets=("attention",))
    method.prepare(ours)
    method.save(ours, tmp_path)
    config: Any = peft.LoraConfig.from_pretrained(str(tmp_path))
    config.inference_mode = False
    theirs: Any = peft.get_peft_model(tiny(family).module, config)
    trained = sum(p.numel() for p in ours.module.parameters() if p.requires_grad)
    assert trained == theirs.get_nb_trainable_parameters()[0]


def test_the_same_adapter_is_the_same_bytes(tiny: Tiny, tmp_path: Path) -> None:
    model, method = tiny("bert"), LoRA()
    method.prepare(model)
    for folder in ("a", "b"):
        method.save(model, tmp_path / folder)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_adapter_of_another_rank_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    model, other = tiny("bert"), tiny("bert")
    LoRA(rank=4).prepare(model)
    LoRA(rank=4).save(model, tmp_path)
    LoRA(rank=2).prepare(other)
    with pytest.raises(InputError, match=r"has rank 4 and alpha 16.*gives it rank 2"):
        LoRA(rank=2).load(other, tmp_path)


def test_an_adapter_of_another_scale_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    model = tiny("bert")
    LoRA(scaling="root").prepare(model)
    LoRA(scaling="root").save(model, tmp_path)
    plain = tiny("bert")
    LoRA().prepare(plain)
    with pytest.raises(InputError, match="scaling: root"):
        LoRA().load(plain, tmp_path)


def test_an_adapter_of_another_kind_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    model, method = tiny("bert"), LoRA()
    method.prepare(model)
    method.save(model, tmp_path)
    config = read_json(tmp_path / "adapter_config.json")
    write_json(tmp_path / "adapter_config.json", config | {"use_dora": True})
    with pytest.raises(InputError, match="use_dora"):
        method.load(model, tmp_path)


def test_an_adapter_of_another_model_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    method = LoRA(rank=4)
    ours, other = tiny("bert"), tiny("distilbert")
    for model in (ours, other):
        method.prepare(model)
    method.save(other, tmp_path)
    (tmp_path / "base.json").unlink()  # as PEFT writes it
    with pytest.raises(InputError, match="holds no 'bert"):
        method.load(ours, tmp_path)


EVERYTHING = LoRA(
    rank=4,
    targets=("attention+mlp",),
    scaling="root",
    layers=(1, 1),
    ranks={"mlp": 2, "output": 3},
    alphas={"query": 5.0},
)


@pytest.mark.parametrize("family", FAMILIES)
def test_peft_reads_ranks_alphas_and_roots(tiny: Tiny, family: str, tmp_path: Path) -> None:
    model = tiny(family)
    EVERYTHING.prepare(model)
    disturb(model)
    EVERYTHING.save(model, tmp_path)
    base: Any = tiny(family, seed=2).module
    theirs = peft.PeftModel.from_pretrained(base, str(tmp_path)).eval()
    agree(theirs, model.module)
    again = tiny(family, seed=3)
    EVERYTHING.prepare(again)
    EVERYTHING.load(again, tmp_path)
    assert torch.equal(logits(again.module), logits(model.module))


def test_ranks_follow_the_last_name_that_matches(tiny: Tiny) -> None:
    model = tiny("bert")
    LoRA(rank=4, targets=("attention",), ranks={"attention": 3, "query": 2}).prepare(model)
    found = {path.rpartition(".")[2]: layer.rank for path, layer in lora_layers(model).items()}
    assert found == {"query": 2, "key": 3, "value": 3, "dense": 3}


def test_only_the_blocks_in_the_range_are_adapted(tiny: Tiny) -> None:
    model = tiny("bert")
    LoRA(layers=(1, 1)).prepare(model)
    assert all(".layer.1." in path for path in lora_layers(model))
    with pytest.raises(InputError, match=r"this model has blocks 0 to 1"):
        LoRA(layers=(0, 2)).prepare(tiny("bert"))


def test_b_learns_faster_where_a_ratio_says_so(tiny: Tiny) -> None:
    model = tiny("bert")
    method = LoRA(ratio=16.0)
    method.prepare(model)
    slow, fast = method.groups(model)
    assert "rate" not in slow and fast["rate"] == 16
    assert fast["params"] and all(name.endswith(".B") for name in fast["params"])


def test_a_rank_above_the_width_is_refused(tiny: Tiny) -> None:
    with pytest.raises(InputError, match=r"rank = 17.*its rank cannot exceed 16"):
        LoRA(rank=17).prepare(tiny("bert"))


@pytest.mark.parametrize(
    "settings",
    [
        {"rank": 0},
        {"alpha": 0.0},
        {"dropout": 1.0},
        {"targets": ()},
        {"scaling": "square"},
        {"ratio": 0.0},
        {"layers": (2, 1)},
        {"ranks": {"mlp": 0}},
        {"alphas": {"mlp": 0.0}},
    ],
)
def test_settings_without_meaning_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        LoRA(**settings)


def test_the_rank_of_every_layer_counts(tiny: Tiny) -> None:
    model = tiny("bert")
    LoRA(rank=4, targets=("query", "value")).prepare(model)
    adapter = 2 * 2 * 4 * (16 + 16)  # layers, targets, rank, in + out
    head = 3 * 16 + 3
    trained = sum(p.numel() for p in model.module.parameters() if p.requires_grad)
    assert trained == adapter + head


def agree(theirs: Any, ours: Any) -> None:
    """The same logits, up to the order in which a scale is multiplied in."""
    torch.testing.assert_close(logits(ours), logits(theirs), rtol=0, atol=1e-6)


def disturb(model: Model) -> None:
    """Give every trainable parameter another value, so that nothing is equal by chance."""
    torch.manual_seed(7)
    with torch.no_grad():
        for weight in model.module.parameters():
            if weight.requires_grad:
                weight.normal_(std=0.1)


@torch.no_grad()
def logits(module: Any) -> Tensor:
    answer: Tensor = module.eval()(input_ids=IDS, attention_mask=torch.ones_like(IDS)).logits
    return answer
