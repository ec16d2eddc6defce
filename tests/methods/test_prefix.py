"""The prefix is as good as tokens in front, counts against the limit, and lets padding be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from tunewise.backbones.fast_cpu import speed_up
from tunewise.backbones.model import Model
from tunewise.core.errors import InputError
from tunewise.methods.prefix import PrefixTuning

Tiny = Callable[..., Model]
FAMILIES = (
    *("bert", "roberta", "distilbert", "deberta-v2", "modernbert"),
    *("gpt2", "llama", "qwen2", "phi"),
)
FRONT = torch.tensor([5, 6, 9])  # tokens that a prefix of three stands for
TEXT = torch.tensor([[2, 4, 7, 3, 0, 0], [2, 8, 4, 9, 5, 3]])
MASK = torch.tensor([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]])


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_embeddings_of_tokens_are_those_tokens_in_front(tiny: Tiny, family: str) -> None:
    plain: Any = tiny(family, pooling="mean").module
    ids = torch.cat([FRONT.expand(2, -1), TEXT], dim=1)
    mask = torch.cat([torch.ones(2, 3, dtype=torch.long), MASK], dim=1)
    expected = plain.encoder(input_ids=ids, attention_mask=mask).last_hidden_state[:, 3:]
    found = prefixed(tiny, family, pooling="mean")
    hidden = found.encoder(input_ids=TEXT, attention_mask=MASK).last_hidden_state
    torch.testing.assert_close(hidden[MASK == 1], expected[MASK == 1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", ["library", "mean"])
@torch.no_grad()
def test_padding_changes_nothing(tiny: Tiny, family: str, pooling: str) -> None:
    model = prefixed(tiny, family, pooling=pooling)
    padding = model.config.pad_token_id
    text = TEXT.where(MASK == 1, padding)
    alone = model(input_ids=TEXT[:1, :4], attention_mask=MASK[:1, :4]).logits
    padded = model(input_ids=text, attention_mask=MASK).logits[:1]
    torch.testing.assert_close(padded, alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2"])
def test_trained_are_length_times_width_and_the_head(tiny: Tiny, family: str) -> None:
    model = tiny(family, pooling="mean", options=["no", "yes"])
    PrefixTuning(length=12).prepare(model)
    trained = sum(p.numel() for p in model.module.parameters() if p.requires_grad)
    assert trained == 12 * 16 + 2 * 16 + 2


def test_the_prefix_counts_against_what_the_model_takes(tiny: Tiny) -> None:
    model = tiny("bert")
    PrefixTuning(length=36).prepare(model)
    assert model.max_length == 4
    full = torch.full((1, 4), 5)
    model.module(input_ids=full, attention_mask=torch.ones_like(full))


def test_a_prefix_that_leaves_no_room_is_refused(tiny: Tiny) -> None:
    with pytest.raises(InputError, match=r"length = 37: this model takes 40 tokens"):
        PrefixTuning(length=37).prepare(tiny("bert"))


def test_it_starts_from_words_and_never_from_special_tokens(tiny: Tiny) -> None:
    model: Any = tiny("bert", pooling="mean")
    PrefixTuning(length=30).prepare(model)
    table = model.module.get_input_embeddings().weight
    words = {tuple(row) for row in table[4:].tolist()}
    assert {tuple(row) for row in start_of(model).tolist()} <= words


def test_noise_is_as_scattered_as_the_vocabulary(tiny: Tiny) -> None:
    model: Any = tiny("bert", pooling="mean")
    torch.manual_seed(0)
    PrefixTuning(length=30, start="noise").prepare(model)
    table = model.module.get_input_embeddings().weight
    assert start_of(model).std().item() == pytest.approx(table.std().item(), rel=0.1)


@pytest.mark.parametrize("settings", [{"length": 0}, {"start": "zeros"}])
def test_settings_without_meaning_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        PrefixTuning(**settings)


def prefixed(tiny: Tiny, family: str, pooling: str) -> Any:
    """A model whose prefix is the embeddings of `FRONT`, as fast as in training."""
    model = tiny(family, pooling=pooling)
    PrefixTuning(length=len(FRONT)).prepare(model)
    speed_up(model.module)
    module: Any = model.module
    with torch.no_grad():
        start_of(model).copy_(module.get_input_embeddings().weight[FRONT])
    return module


def start_of(model: Model) -> Tensor:
    (backbone,) = model.backbones.values()
    return model.module.get_parameter(f"{backbone}.prefix.embeddings")
