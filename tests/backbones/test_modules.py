"""Roles are read off the structure; every family's layers are written out here once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tunewise.backbones.model import Model
from tunewise.backbones.modules import head_modules, roles, shape_of, targets
from tunewise.core.errors import InputError

Tiny = Callable[..., Model]
BERT = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "output",
    "intermediate.dense": "mlp",
    "output.dense": "mlp",
}
LLAMA = {
    "self_attn.q_proj": "query",
    "self_attn.k_proj": "key",
    "self_attn.v_proj": "value",
    "self_attn.o_proj": "output",
    "mlp.gate_proj": "mlp",
    "mlp.up_proj": "mlp",
    "mlp.down_proj": "mlp",
}
LAYERS = {
    "bert": ("bert.encoder.layer.0", BERT),
    "roberta": ("roberta.encoder.layer.0", BERT),
    "deberta-v2": (
        "deberta.encoder.layer.0",
        {
            "attention.self.query_proj": "query",
            "attention.self.key_proj": "key",
            "attention.self.value_proj": "value",
            "attention.output.dense": "output",
            "intermediate.dense": "mlp",
            "output.dense": "mlp",
        },
    ),
    "distilbert": (
        "distilbert.transformer.layer.0",
        {
            "attention.q_lin": "query",
            "attention.k_lin": "key",
            "attention.v_lin": "value",
            "attention.out_lin": "output",
            "ffn.lin1": "mlp",
            "ffn.lin2": "mlp",
        },
    ),
    "modernbert": (
        "model.layers.0",
        {
            "attn.Wqkv": "query key value",
            "attn.Wo": "output",
            "mlp.Wi": "mlp",
            "mlp.Wo": "mlp",
        },
    ),
    "gpt2": (
        "transformer.h.0",
        {
            "attn.c_attn": "query key value",
            "attn.c_proj": "output",
            "mlp.c_fc": "mlp",
            "mlp.c_proj": "mlp",
        },
    ),
    "llama": ("model.layers.0", LLAMA),
    "qwen2": ("model.layers.0", LLAMA),
    "phi": (
        "model.layers.0",
        {
            "self_attn.q_proj": "query",
            "self_attn.k_proj": "key",
            "self_attn.v_proj": "value",
            "self_attn.dense": "output",
            "mlp.fc1": "mlp",
            "mlp.fc2": "mlp",
        },
    ),
}


@pytest.mark.parametrize("family", LAYERS)
def test_roles_of_a_layer(tiny: Tiny, family: str) -> None:
    start, expected = LAYERS[family]
    found = {
        path.removeprefix(f"{start}."): " ".join(own)
        for path, own in roles(tiny(family)).items()
        if path.startswith(f"{start}.")
    }
    assert found == expected


@pytest.mark.parametrize("family", LAYERS)
def test_every_group_is_found_in_every_family(tiny: Tiny, family: str) -> None:
    model = tiny(family)
    attention = {path for path, _ in targets(model, ["attention"])}
    mlp = {path for path, _ in targets(model, ["mlp"])}
    both = {path for path, _ in targets(model, ["attention+mlp"])}
    everything = {path for path, _ in targets(model, ["all-linear"])}
    assert attention and mlp and not attention & mlp
    assert attention | mlp == both <= everything


def test_a_layer_is_named_by_how_its_path_ends(tiny: Tiny) -> None:
    found = [path for path, _ in targets(tiny("bert"), ["layer.1.attention.self.key"])]
    assert found == ["bert.encoder.layer.1.attention.self.key"]


def test_layers_come_in_the_order_of_the_model_and_once(tiny: Tiny) -> None:
    model = tiny("bert")
    assert targets(model, ["value", "query", "query"]) == targets(model, ["query", "value"])


def test_a_name_that_matches_nothing_lists_what_there_is(tiny: Tiny) -> None:
    with pytest.raises(InputError, match=r"'q_prj' matches no linear.*'q_proj'.*k_proj"):
        targets(tiny("llama"), ["q_prj"])


def test_a_name_that_reaches_into_the_head_is_refused(tiny: Tiny) -> None:
    with pytest.raises(InputError, match=r"'dense' matches the head \(classifier.dense\)"):
        targets(tiny("roberta"), ["dense"])


def test_the_shape_of_a_transposed_layer_is_in_and_out(tiny: Tiny) -> None:
    layers = dict(targets(tiny("gpt2"), ["c_attn"]))
    assert {shape_of(layer) for layer in layers.values()} == {(16, 48)}


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("bert", ["classifier"]),
        ("roberta", ["classifier"]),
        ("distilbert", ["pre_classifier", "classifier"]),
        ("deberta-v2", ["pooler", "classifier"]),
        ("gpt2", ["score"]),
    ],
)
def test_the_head_is_named_by_whole_modules(tiny: Tiny, family: str, expected: list[str]) -> None:
    assert head_modules(tiny(family)) == expected
