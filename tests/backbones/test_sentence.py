"""Sentence encoders: the vector that the files beside the weights describe, or a refusal.

The files are written as sentence-transformers 6.2 writes them, and as it did until version 4.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from tunewise.backbones.encoders import TextEncoder, load_text_encoder
from tunewise.backbones.fusion import PairProcessor
from tunewise.backbones.fusion_shape import text_shape
from tunewise.backbones.texts import encoded

TEXTS = ["the room is good", "bad", "a cold bed is not fine the bed"]
NEW = "sentence_transformers.sentence_transformer.modules"
OLD = "sentence_transformers.models"
WIDTH = 16  # of the tiny BERT


def write(folder: Path, name: str, content: Any) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


def modules(folder: Path, *kinds: str, package: str = NEW) -> None:
    listed = [
        {"idx": n, "name": str(n), "path": f"{n}_{kind}" if n else "", "type": f"{package}.{kind}"}
        for n, kind in enumerate(("Transformer", *kinds))
    ]
    write(folder, "modules.json", listed)


def pooling(folder: Path, mode: Any, **more: Any) -> None:
    write(
        folder, "1_Pooling/config.json", {"embedding_dimension": WIDTH, "pooling_mode": mode} | more
    )


@pytest.fixture
def folder(checkpoint: Callable[[str], Path], tmp_path: Path) -> Path:
    """A tiny BERT with an empty place for the files beside it."""
    copy = tmp_path / "sentence"
    shutil.copytree(checkpoint("bert"), copy)
    modules(copy, "Pooling")
    return copy


def where(folder: Path) -> dict[str, Any]:
    return {"pretrained_model_name_or_path": str(folder), "local_files_only": True}


@torch.no_grad()
def vectors(folder: Path, texts: list[str] = TEXTS) -> tuple[TextEncoder, Tensor, list[Tensor]]:
    """The encoder, its vectors, and each text's hidden states without padding."""
    encoder, tokenizer = load_text_encoder(where(folder))
    encoder.eval()
    processor = PairProcessor(tokenizer, None, encoder.sentence.prefix)
    limit = min(40, tokenizer.model_max_length)
    read = encoded(processor, [(text,) for text in texts], truncation=True, max_length=limit)
    rows = [{name: read[name][at] for name in read} for at in range(len(texts))]
    found = encoder(**processor.pad(rows, return_tensors="pt"))
    states = [
        encoder.trunk(input_ids=torch.tensor([row["input_ids"]])).last_hidden_state[0]
        for row in rows
    ]
    return encoder, found, states


def by_hand(mode: str, states: Tensor) -> Tensor:
    count = len(states)
    if mode == "weightedmean":
        places = torch.arange(1, count + 1)
        return sum(p * s for p, s in zip(places, states, strict=True)) / places.sum()
    return {
        "cls": states[0],
        "lasttoken": states[-1],
        "max": states.max(0).values,
        "mean": states.sum(0) / count,
        "mean_sqrt_len_tokens": states.sum(0) / count**0.5,
    }[mode]


SWITCHES = {
    "cls": "pooling_mode_cls_token",
    "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}


@pytest.mark.parametrize("form", ["old", "new"])
@pytest.mark.parametrize("mode", SWITCHES)
def test_a_way_of_pooling_is_what_it_says(folder: Path, mode: str, form: str) -> None:
    if form == "new":
        pooling(folder, mode)
    else:
        modules(folder, "Pooling", package=OLD)
        switches = {switch: name == mode for name, switch in SWITCHES.items()}
        write(folder, "1_Pooling/config.json", {"word_embedding_dimension": WIDTH} | switches)
    encoder, found, states = vectors(folder)
    expected = torch.stack([by_hand(mode, one) for one in states])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert encoder.size == WIDTH


def test_several_ways_stand_side_by_side_in_their_order(folder: Path) -> None:
    pooling(folder, ["lasttoken", "cls"])
    encoder, found, states = vectors(folder)
    expected = torch.stack([torch.cat([one[-1], one[0]]) for one in states])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert encoder.size == 2 * WIDTH
    write(
        folder,
        "1_Pooling/config.json",
        {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True},
    )
    _, found, states = vectors(folder)
    expected = torch.stack([torch.cat([one[0], one.mean(0)]) for one in states])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def dense(folder: Path, name: str, inside: int, outside: int, **more: Any) -> tuple[Tensor, Tensor]:
    config = {"in_features": inside, "out_features": outside, "bias": True} | more
    write(folder, f"{name}/config.json", config)
    torch.manual_seed(3)
    weight, bias = torch.randn(outside, inside), torch.randn(outside)
    save_file({"linear.weight": weight, "linear.bias": bias}, folder / name / "model.safetensors")
    return weight, bias


def test_what_lies_behind_the_pooling_is_computed_in_its_order(folder: Path) -> None:
    modules(folder, "Pooling", "Dense", "Normalize", "LayerNorm")
    pooling(folder, "cls")
    weight, bias = dense(
        folder, "2_Dense", WIDTH, 5, activation_function="torch.nn.modules.activation.Tanh"
    )
    write(folder, "4_LayerNorm/config.json", {"dimension": 5})
    scale = torch.arange(1.0, 6.0)
    save_file(
        {"norm.weight": scale, "norm.bias": torch.ones(5)},
        folder / "4_LayerNorm" / "model.safetensors",
    )
    encoder, found, states = vectors(folder)
    seen = torch.tanh(torch.stack([one[0] for one in states]) @ weight.T + bias)
    seen = seen / seen.norm(dim=1, keepdim=True)
    spread = (seen.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
    expected = (seen - seen.mean(1, keepdim=True)) / spread * scale + 1
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert encoder.size == 5
    with torch.device("meta"):
        assert text_shape(where(folder)).size == 5


def test_a_default_prompt_stands_before_every_text(folder: Path) -> None:
    pooling(folder, "mean")
    _, plain, _ = vectors(folder, ["the room is good", "the"])
    prompts: dict[str, Any] = {"prompts": {"query": "the ", "document": ""}}
    prompts["default_prompt_name"] = "query"
    write(folder, "config_sentence_transformers.json", prompts)
    encoder, found, _ = vectors(folder, ["room is good", ""])
    torch.testing.assert_close(found, plain, rtol=1e-5, atol=1e-5)
    assert "the" in encoder.reads
    prompts["default_prompt_name"] = None
    write(folder, "config_sentence_transformers.json", prompts)
    assert not vectors(folder)[0].reads


def test_length_and_case_are_those_of_its_file(folder: Path) -> None:
    pooling(folder, "mean")
    write(folder, "sentence_bert_config.json", {"max_seq_length": 4, "do_lower_case": True})
    _, found, states = vectors(folder, ["THE Good bed is cold", "the good"])
    assert [len(one) for one in states] == [4, 4]
    torch.testing.assert_close(found[0], found[1])


def test_a_mean_is_named_as_it_was_and_others_are_not(folder: Path) -> None:
    modules(folder, "Pooling", "Normalize")
    pooling(folder, "mean")
    assert vectors(folder)[0].reads == ""
    pooling(folder, "cls")
    assert vectors(folder)[0].reads == "cls"


def refused(folder: Path, *message: str) -> None:
    with pytest.raises(ValueError) as caught:
        load_text_encoder(where(folder))
    assert all(one in str(caught.value) for one in message), caught.value


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("1_Pooling/config.json", {"pooling_mode": "attention"}, "'attention'"),
        ("1_Pooling/config.json", {"pooling_mode_of_mine": True}, "pooling_mode_of_mine"),
        ("1_Pooling/config.json", {"pooling_mode": 3}, "3"),
        ("1_Pooling/config.json", ["mean"], "list"),
        ("2_Dense/config.json", {"in_features": 16}, "out_features"),
        ("2_Dense/config.json", {"activation_function": "os.system"}, "os.system"),
        ("2_Dense/config.json", {"use_residual": True}, "use_residual"),
        ("2_Dense/config.json", {"module_input_name": "token_embeddings"}, "token_embeddings"),
        ("sentence_bert_config.json", {"max_seq_length": "long"}, "max_seq_length"),
        (
            "sentence_bert_config.json",
            {"modality_config": {"text": {"method_output_name": "pooler_output"}}},
            "pooler_output",
        ),
        ("config_sentence_transformers.json", {"default_prompt_name": "q"}, "'q'"),
        ("config_sentence_transformers.json", {"default_prompt_name": 1, "prompts": [1]}, "1"),
        ("modules.json", [{"type": "x.Transformer", "path": "../other"}], "../other"),
        ("modules.json", ["Transformer"], "Transformer"),
    ],
)
def test_what_is_not_known_is_refused_with_its_file(
    folder: Path, file: str, content: Any, message: str
) -> None:
    modules(folder, "Pooling", "Dense")
    pooling(folder, "mean")
    dense(folder, "2_Dense", WIDTH, 5)
    write(folder, file, content)
    refused(folder, file, message)


@pytest.mark.parametrize("kind", ["CNN", "LSTM", "WeightedLayerPooling", "Router", "Pooling"])
def test_a_part_that_is_not_known_is_refused(folder: Path, kind: str) -> None:
    modules(folder, "Pooling", kind)
    pooling(folder, "mean")
    refused(folder, "modules.json", kind)


def test_a_missing_or_damaged_file_is_refused(folder: Path) -> None:
    refused(folder, "1_Pooling/config.json", "missing")
    pooling(folder, "mean")
    modules(folder, "Pooling", "Dense")
    dense(folder, "2_Dense", WIDTH, 5)
    (folder / "2_Dense" / "model.safetensors").unlink()
    refused(folder, "2_Dense/model.safetensors", "missing")
    dense(folder, "2_Dense", WIDTH, 5)
    write(folder, "2_Dense/config.json", {"in_features": WIDTH, "out_features": 6})
    refused(folder, "2_Dense/model.safetensors", "does not fit")
    dense(folder, "2_Dense", WIDTH + 1, 5)
    refused(folder, f"its pooling gives {WIDTH} values")
    (folder / "modules.json").write_text("{]")
    refused(folder, "modules.json", "no JSON")
    (folder / "modules.json").write_text('{"a": 1}')
    refused(folder, "modules.json")
    write(folder, "modules.json", [{"type": "x.StaticEmbedding", "path": ""}])
    refused(folder, "modules.json", "StaticEmbedding")


def test_a_prompt_that_is_not_pooled_is_refused(folder: Path) -> None:
    pooling(folder, "mean", include_prompt=False)
    prompts = {"prompts": {"q": "the "}, "default_prompt_name": "q"}
    write(folder, "config_sentence_transformers.json", prompts)
    refused(folder, "1_Pooling/config.json", "include_prompt")
