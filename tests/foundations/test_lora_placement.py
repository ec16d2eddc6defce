from __future__ import annotations

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModel

from tunewise.foundations.attention import attention
from tunewise.foundations.lora_algebra import Layer, forward
from tunewise.foundations.lora_placement import SETS, Block, as_query_correction, mixed

BERT = {
    "query": ["query"],
    "query, value": ["query", "value"],
    "attention": ["query", "key", "value", "attention.output.dense"],
    "attention, mlp": ["query", "key", "value", "dense"],
}
GPT2 = {
    "query, value": ["c_attn"],
    "attention": ["c_attn", "attn.c_proj"],
    "attention, mlp": ["c_attn", "c_proj", "c_fc"],
}


# PEFT asks transformers for a name that transformers is about to drop.
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
@pytest.mark.parametrize(
    ("family", "set_", "modules"),
    [
        *(("bert", name, BERT[name]) for name in BERT),
        *(("gpt2", name, GPT2[name]) for name in GPT2),
    ],
)
def test_the_counts_are_those_of_peft_on_the_published_architectures(
    family: str, set_: str, modules: list[str]
) -> None:
    with torch.device("meta"):
        model = AutoModel.from_config(AutoConfig.for_model(family))
        config = LoraConfig(
            r=8,
            target_modules=modules,
            # BERT's pooler is a dense layer too, but in no block.
            exclude_modules=r".*pooler.*" if "dense" in modules else None,
            fan_in_fan_out=family == "gpt2",
        )
        trained, _ = get_peft_model(model, config).get_nb_trainable_parameters()
    assert 12 * Block(768, fused=family == "gpt2").lora(SETS[set_], 8) == trained


@pytest.mark.parametrize("task", [[0, 1, 2, 1], [2, 2, 2, 2]], ids=str)
def test_each_row_of_a_mixed_batch_is_as_in_a_run_of_its_own(task: list[int]) -> None:
    rng = np.random.default_rng(0)
    W, x = rng.normal(size=(7, 5)), rng.normal(size=(4, 5))
    scales = (0.5, 2.0, 1.0)
    layers = [Layer(W, rng.normal(size=(2, 5)), rng.normal(size=(7, 2)), s) for s in scales]
    alone = np.stack([forward(layers[t], row) for t, row in zip(task, x, strict=True)])
    np.testing.assert_allclose(mixed(layers, task, x), alone, atol=1e-12)


def test_a_correction_of_the_key_is_one_of_the_query() -> None:
    """In one head of full width, whatever the values: the output of attention is the same."""
    rng = np.random.default_rng(0)
    W_q, W_k, X, V = (rng.normal(size=shape) for shape in [(6, 6), (6, 6), (4, 6), (4, 3)])
    change = rng.normal(size=(6, 1)) @ rng.normal(size=(1, 6))
    moved = as_query_correction(W_q, W_k, change)
    np.testing.assert_allclose(
        attention(X @ (W_q + moved).T, X @ W_k.T, V),
        attention(X @ W_q.T, X @ (W_k + change).T, V),
        atol=1e-9,
    )
    assert np.linalg.matrix_rank(moved) == 1
