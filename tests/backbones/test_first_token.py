"""The last block for the first token alone: the loss and gradients of the whole block."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedConfig,
)
from transformers.cache_utils import DynamicCache

from tunewise.backbones.fast_cpu import NAME
from tunewise.backbones.first_token import FAMILIES, only_first_token
from tunewise.backbones.pooling import POOLING, PooledClassifier

SIZES: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 16,
    "embedding_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 32,
    "num_labels": 3,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "pad_token_id": 1,
}
CONFIGS: dict[str, type[PreTrainedConfig]] = {
    name: getattr(transformers, f"{name}Config") for name in FAMILIES.values()
}


def library(family: str) -> nn.Module:
    torch.manual_seed(0)
    kind: Any = getattr(transformers, f"{family}ForSequenceClassification")
    module: nn.Module = kind(CONFIGS[family](**SIZES))
    return module.train()


def pooled(family: str, pool: str = "cls") -> nn.Module:
    torch.manual_seed(0)
    return PooledClassifier(CONFIGS[family](**SIZES, **{POOLING: pool})).train()


MODELS: dict[str, Callable[[], nn.Module]] = {
    f"{family}, {kind.__name__}": partial(kind, family)
    for family in CONFIGS
    for kind in (library, pooled)
}


def inputs() -> dict[str, Tensor]:
    """Three texts of 7, 5 and 2 tokens, padded on the right."""
    torch.manual_seed(1)
    mask = (torch.arange(7) < torch.tensor([[7], [5], [2]])).long()
    ids = torch.randint(2, 40, (3, 7)) * mask + (1 - mask)
    return {"input_ids": ids, "attention_mask": mask}


def learnt(module: nn.Module) -> tuple[Tensor, dict[str, Tensor]]:
    logits = module(**inputs()).logits
    loss = nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2]))
    loss.backward()
    weights = module.named_parameters()
    return loss, {name: weight.grad for name, weight in weights if weight.grad is not None}


def tokens_in_last(module: nn.Module) -> int:
    """The positions that the last block's feed-forward layers are asked for."""
    blocks: list[Any] = [one for one in module.modules() if hasattr(one, "intermediate")]
    seen: list[int] = []
    hook = blocks[-1].intermediate.register_forward_hook(
        lambda _, given, __: seen.append(given[0].size(1))
    )
    module(**inputs())
    hook.remove()
    return seen[0]


@pytest.mark.parametrize(
    ("name", "attention"),
    [*((name, NAME) for name in MODELS), ("Bert, library", "sdpa"), ("Roberta, pooled", "eager")],
)
def test_loss_and_gradients_are_those_of_the_whole_block(name: str, attention: str) -> None:
    whole: Any = MODELS[name]()
    whole.set_attn_implementation(attention)
    first = copy.deepcopy(whole)
    only_first_token(first)
    assert (tokens_in_last(whole), tokens_in_last(first)) == (7, 1)
    wanted, wanted_gradients = learnt(whole)
    loss, gradients = learnt(first)
    torch.testing.assert_close(loss, wanted, rtol=1e-6, atol=0)
    assert gradients.keys() == wanted_gradients.keys()
    for weight, gradient in gradients.items():
        torch.testing.assert_close(gradient, wanted_gradients[weight], rtol=1e-4, atol=1e-7)


class Counted(TorchDispatchMode):
    """Looks at every operation, as counting memory does, and changes none."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", MODELS)
def test_answers_are_the_same_to_the_bit_while_memory_is_counted(name: str) -> None:
    """The first evaluation of a process is counted: of one that resumed it is a later epoch's."""
    module = MODELS[name]().eval()
    only_first_token(module)
    many = {column: tensor.repeat(11, 2) for column, tensor in inputs().items()}
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_(0.0, 0.3)  # smaller ones hide what rounding does
    with torch.inference_mode():
        plain = module(**many).logits
        with Counted():
            counted = module(**many).logits
    assert torch.equal(plain, counted)


@pytest.mark.parametrize("family", CONFIGS)
def test_names_of_parameters_stay_and_a_copy_computes_with_its_own(family: str) -> None:
    module = library(family)
    only_first_token(module)
    twin = copy.deepcopy(module)
    assert twin.state_dict().keys() == library(family).state_dict().keys()
    with torch.no_grad():
        for weight in module.parameters():
            weight.zero_()
    assert twin(**inputs()).logits.abs().max() > 0


def test_a_head_that_reads_more_than_the_first_token_reads_it_all() -> None:
    for pool in ("mean", "lasttoken", "max"):
        module = pooled("Bert", pool)
        only_first_token(module)
        assert tokens_in_last(module) == 7


def test_a_backbone_that_a_method_hooks_is_computed_whole() -> None:
    """As prefix tuning does: its rows stand before the first token, and are cut off behind."""
    module = pooled("Bert")
    module.get_submodule("encoder").register_forward_hook(lambda *given: None)
    only_first_token(module)
    assert tokens_in_last(module) == 7


def test_keys_put_in_front_have_the_whole_block() -> None:
    whole, first = pooled("Bert"), pooled("Bert")
    only_first_token(first)

    def logits(module: nn.Module) -> Tensor:
        torch.manual_seed(2)
        cache = DynamicCache()
        for layer in range(2):
            cache.update(torch.randn(3, 2, 4, 8), torch.randn(3, 2, 4, 8), layer)
        given = inputs()
        mask = torch.cat([torch.ones(3, 4, dtype=torch.long), given["attention_mask"]], dim=1)
        found: Tensor = module(
            input_ids=given["input_ids"], attention_mask=mask, past_key_values=cache
        ).logits
        return found

    assert torch.equal(logits(first), logits(whole))


def test_a_family_that_was_not_proven_stays_as_it_is() -> None:
    config = DistilBertConfig(vocab_size=40, dim=16, n_layers=2, n_heads=2, hidden_dim=24)
    module = DistilBertForSequenceClassification(config)
    before = dict(vars(module.distilbert.transformer.layer[-1]))
    only_first_token(module)
    assert dict(vars(module.distilbert.transformer.layer[-1])) == before
