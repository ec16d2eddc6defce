"""One linear layer over a pooled vector: each pool's rule, padding, and what a folder keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from tunewise.backbones.builder import Builder
from tunewise.backbones.load import build
from tunewise.backbones.model import Model
from tunewise.backbones.pools import AUTO, LIBRARY, POOLS, Pooling
from tunewise.core.errors import InputError
from tunewise.methods.full import Full
from tunewise.methods.head import Head
from tunewise.tasks.classification import Classification
from tunewise.training.checks.probes import probe
from tunewise.training.encoded_split import with_features
from tunewise.training.features import Stub, reduction_for, run_backbone

Tiny = Callable[..., Model]
IDS = torch.tensor([[2, 4, 5, 6, 3], [2, 7, 3, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
every_pool = pytest.mark.parametrize("pool", POOLS)


def by_hand(states: Tensor, pool: str) -> Tensor:
    """What sentence-transformers makes of the states (tokens, d) of one text without padding."""
    tokens = len(states)
    weights = torch.arange(1.0, tokens + 1).unsqueeze(1)
    rules = {
        "cls": states[0],
        "lasttoken": states[tokens - 1],
        "max": states.max(0).values,
        "mean": states.sum(0) / tokens,
        "mean_sqrt_len_tokens": states.sum(0) / tokens**0.5,
        "weightedmean": (weights * states).sum(0) / weights.sum(),
    }
    if pool.startswith("normalized_"):  # of length 1 there, of one value of 1 a place here
        vector = rules[pool.removeprefix("normalized_")]
        return vector / vector.norm() * len(vector) ** 0.5
    return rules[pool]


def test_what_a_study_may_name_is_what_can_be_pooled() -> None:
    assert set(get_args(Pooling)) == {AUTO, LIBRARY, *POOLS}


@every_pool
@pytest.mark.parametrize("family", ["bert", "gpt2", "distilbert"])
def test_the_logits_are_those_of_the_vector_pooled_by_hand(
    tiny: Tiny, family: str, pool: str
) -> None:
    module: Any = tiny(family, pooling=pool).module
    with torch.no_grad():
        found = module(input_ids=IDS, attention_mask=MASK).logits
        for row, length in enumerate(MASK.sum(1)):
            states = module.encoder(input_ids=IDS[row : row + 1, :length]).last_hidden_state[0]
            wanted = module.classifier(by_hand(states, pool))
            torch.testing.assert_close(found[row], wanted, rtol=1e-4, atol=1e-5)


@every_pool
def test_no_padding_enters_and_no_mask_is_a_text_without_padding(tiny: Tiny, pool: str) -> None:
    module: Any = tiny("bert", pooling=pool).module
    with torch.no_grad():
        alone = module(input_ids=IDS[1:, :3]).logits
        padded = module(input_ids=IDS[1:], attention_mask=MASK[1:]).logits
    torch.testing.assert_close(padded, alone, rtol=1e-4, atol=1e-5)


@every_pool
def test_a_stored_vector_gives_the_answers_of_the_whole_model(tiny: Tiny, pool: Any) -> None:
    task = Classification(text=("text",), label="label", pooling=pool)
    model = tiny("bert", pooling=pool)
    Head().prepare(model)
    texts = ["good", "the room is cold", "a warm bed", "the bed is not bad"]
    examples = [probe(task, str(n), text) for n, text in enumerate(texts)]
    encoded = task.encode(examples, model.processor, max_length=20)
    reduction = reduction_for(model, task, encoded)
    assert reduction is not None and not reduction.has_pooler
    assert reduction.name == pool.removeprefix("normalized_")  # the direction is taken later
    batch = task.collate(encoded, model.processor)
    with torch.no_grad():
        whole = model.module(**batch.inputs).logits
        features = run_backbone(model, batch, pool)
        backbone = model.module.get_submodule("encoder")
        model.module.set_submodule("encoder", Stub(backbone, has_pooler=False))
        stored = model.module(**with_features(batch, features).inputs).logits
    torch.testing.assert_close(stored, whole, rtol=1e-4, atol=1e-5)


@every_pool
def test_a_saved_classifier_comes_back_and_pools_as_it_was_trained(
    tiny: Tiny, tmp_path: Path, pool: str
) -> None:
    saved = tiny("bert", pooling=pool)
    Full().save(saved, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["architectures"] == ["PooledClassifier"] and config["token_pooling"] == pool
    for pooling in (pool, AUTO):
        again = build(str(tmp_path), options=("a", "b", "c"), pooling=pooling, seed=9)  # type: ignore[arg-type]
        with torch.no_grad():
            found, wanted = (
                model.module(input_ids=IDS, attention_mask=MASK).logits for model in (again, saved)
            )
        assert torch.equal(found, wanted)


def test_what_was_saved_under_the_old_name_is_the_mean(tiny: Tiny, tmp_path: Path) -> None:
    saved = tiny("bert", pooling="mean")
    Full().save(saved, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["token_pooling"]
    config["architectures"] = ["MeanPooledClassifier"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    again: Any = build(str(tmp_path), options=("a", "b", "c"), pooling="auto", seed=9).module
    with torch.no_grad():
        found = again(input_ids=IDS, attention_mask=MASK).logits
        wanted: Any = saved.module
        wanted = wanted(input_ids=IDS, attention_mask=MASK).logits
    assert torch.equal(found, wanted) and again.config.token_pooling == "mean"


@pytest.mark.parametrize("named", ["middle", ["mean"], 3])
def test_a_folder_of_ours_with_a_pool_that_is_none_is_refused(
    tiny: Tiny, tmp_path: Path, named: Any
) -> None:
    Full().save(tiny("bert", pooling="mean"), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | {"token_pooling": named}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"token_pooling = .*known: cls, lasttoken"):
        build(str(tmp_path), options=("a", "b", "c"), pooling="auto", seed=0)


@every_pool
def test_a_shape_has_the_parameters_of_the_model(
    tiny: Tiny, checkpoint: Callable[[str], Path], pool: Any
) -> None:
    shape = Builder(pooling=pool).shape([checkpoint("bert")], options=("a", "b", "c"))
    sizes = {name: weight.shape for name, weight in shape.module.named_parameters()}
    model = tiny("bert", pooling=pool)
    assert sizes == {name: weight.shape for name, weight in model.module.named_parameters()}
    assert set(shape.head) == set(model.head)
