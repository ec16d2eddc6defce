"""Building models: what is new, what is refused, and what never reaches a hub."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import conversion_mapping

from tunewise.backbones import sources
from tunewise.backbones.load import build
from tunewise.backbones.model import Model
from tunewise.backbones.sources import resolve
from tunewise.backbones.weights import save_model
from tunewise.core.errors import DamagedFile, InputError
from tunewise.methods.full import Full
from tunewise.runner import warm_up

Tiny = Callable[..., Model]
Checkpoint = Callable[[str], Path]
NO_YES = ("no", "yes")


@pytest.fixture
def copied(checkpoint: Checkpoint, tmp_path: Path) -> Path:
    """A BERT checkpoint that a test may spoil."""
    return Path(shutil.copytree(checkpoint("bert"), tmp_path / "bert-tiny"))


def test_the_seed_decides_the_new_parameters_and_nothing_else(tiny: Tiny) -> None:
    models = [tiny("roberta", seed=seed) for seed in (1, 1, 2)]
    one, same, other = (dict(model.module.named_parameters()) for model in models)
    assert all(torch.equal(one[name], same[name]) for name in one)
    changed = {name for name in one if not torch.equal(one[name], other[name])}
    assert changed == {name for name in models[0].head if name.endswith("weight")}


def test_a_worker_makes_what_every_model_needs_before_it_forks(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names of weights of all families: each trial took an eighth of a second to make them."""

    def again() -> None:
        raise AssertionError("made a second time")

    monkeypatch.setattr(conversion_mapping, "_checkpoint_conversion_mapping_cache", None)
    warm_up()
    monkeypatch.setattr(conversion_mapping, "_build_checkpoint_conversion_mapping", again)
    assert tiny("bert").module is not None


def test_the_mean_pooled_head_is_the_same_whatever_the_backbone_lacked(
    tiny: Tiny, copied: Path
) -> None:
    drop(copied, "encoder.layer.1.output.dense.weight")
    lacking: Any = build(str(copied), options=("a", "b", "c"), pooling="mean", seed=1).module
    whole: Any = tiny("bert", pooling="mean").module
    assert torch.equal(lacking.classifier.weight, whole.classifier.weight)


def test_parameters_that_the_checkpoint_lacks_are_head(copied: Path) -> None:
    drop(copied, "pooler.dense.weight")
    drop(copied, "pooler.dense.bias")
    model = build(str(copied), options=NO_YES, seed=0)
    assert set(model.head) == {
        *("bert.pooler.dense.weight", "bert.pooler.dense.bias"),
        *("classifier.weight", "classifier.bias"),
    }


def test_a_head_of_another_size_in_the_checkpoint_is_made_anew(tiny: Tiny, tmp_path: Path) -> None:
    three = tiny("bert")
    save_model(three.module, three.processor, tmp_path)
    two = build(str(tmp_path), options=NO_YES, seed=0)
    assert dict(two.module.named_parameters())["classifier.weight"].shape == (2, 16)


@pytest.mark.parametrize("pooling", ["library", "mean"])
def test_a_saved_model_is_a_source_again(tiny: Tiny, tmp_path: Path, pooling: Any) -> None:
    saved = tiny("bert", pooling=pooling)
    Full().save(saved, tmp_path)
    again = build(str(tmp_path), options=("a", "b", "c"), pooling=pooling, seed=9)
    for name, parameter in saved.module.named_parameters():
        assert torch.equal(dict(again.module.named_parameters())[name], parameter)


def test_weights_are_float32_whatever_the_checkpoint_has(copied: Path) -> None:
    weights = {name: tensor.half() for name, tensor in load_file(copied / WEIGHTS).items()}
    save_file(weights, copied / WEIGHTS, metadata={"format": "pt"})
    model = build(str(copied), options=NO_YES, seed=0)
    assert {parameter.dtype for parameter in model.module.parameters()} == {torch.float32}


def test_dropout_is_set_everywhere_or_left_alone(tiny: Tiny) -> None:
    def probabilities(model: Model) -> set[float]:
        layers = model.module.modules()
        return {layer.p for layer in layers if isinstance(layer, torch.nn.Dropout)}

    for family in ("bert", "roberta", "distilbert", "gpt2"):
        assert probabilities(tiny(family, dropout=0.35)) == {0.35}
    assert probabilities(tiny("bert")) == {0.1}


def test_roberta_takes_fewer_tokens_than_it_has_positions(tiny: Tiny) -> None:
    assert tiny("roberta").max_length == 39  # the padding index, 0, takes one of 40 rows
    assert tiny("bert").max_length == 40


def test_without_a_padding_token_the_end_of_text_serves(tiny: Tiny) -> None:
    model = tiny("gpt2")
    config: Any = model.module.config
    assert model.processor.pad_token_id == config.pad_token_id == model.processor.eos_token_id


def test_a_tokenizer_with_other_padding_is_warned_about(copied: Path) -> None:
    change_config(copied, pad_token_id=1)
    model = build(str(copied), options=NO_YES, seed=0)
    assert "pads with id 0, its config.json says 1" in model.warnings[0]


def test_a_tokenizer_with_more_words_than_the_model_is_refused(copied: Path) -> None:
    weights = load_file(copied / WEIGHTS)
    weights[EMBEDDING] = weights[EMBEDDING][:8].contiguous()
    save_file(weights, copied / WEIGHTS, metadata={"format": "pt"})
    change_config(copied, vocab_size=8)
    with pytest.raises(InputError, match=r"emits id 14 \('not'\).*embeds only ids 0 to 7"):
        build(str(copied), options=NO_YES, seed=0)


@pytest.mark.parametrize(
    "files", [("tokenizer.json",), ("tokenizer.json", "tokenizer_config.json")]
)
def test_a_tokenizer_without_words_is_refused(copied: Path, files: tuple[str, ...]) -> None:
    for file in files:
        (copied / file).unlink()
    with pytest.raises(InputError, match=r"knows no word|cannot be loaded"):
        build(str(copied), options=NO_YES, seed=0)


@pytest.mark.parametrize("length", [1, 2])
def test_a_model_without_room_for_a_word_is_refused(copied: Path, length: int) -> None:
    change_config(copied, file="tokenizer_config.json", model_max_length=length)
    with pytest.raises(InputError, match=f"takes {length} tokens, and its tokenizer puts 2 around"):
        build(str(copied), options=NO_YES, seed=0)


@pytest.mark.parametrize("layers", [0, -4])
def test_a_model_without_layers_is_refused(copied: Path, layers: int) -> None:
    change_config(copied, num_hidden_layers=layers)
    with pytest.raises(InputError, match=f"{layers} layers; a model has at least one"):
        build(str(copied), options=NO_YES, seed=0)


def test_a_backbone_of_another_shape_than_its_configuration_is_refused(copied: Path) -> None:
    change_config(copied, intermediate_size=64)
    with pytest.raises(InputError, match="disagree on the shape"):
        build(str(copied), options=NO_YES, seed=0)


def test_weights_of_another_architecture_are_refused(copied: Path) -> None:
    weights = {f"other.{name}": tensor for name, tensor in load_file(copied / WEIGHTS).items()}
    save_file(weights, copied / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(InputError, match="its weights lack"):
        build(str(copied), options=NO_YES, seed=0)


def test_weights_that_can_run_code_are_refused(copied: Path) -> None:
    (copied / WEIGHTS).rename(copied / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"only weights in safetensors.*pytorch_model\.bin"):
        build(str(copied), options=NO_YES, seed=0)


def test_damaged_weights_are_the_users_to_mend(copied: Path) -> None:
    (copied / WEIGHTS).write_bytes((copied / WEIGHTS).read_bytes()[:200])
    with pytest.raises(InputError, match="was cut short"):
        build(str(copied), options=NO_YES, seed=0)


def test_a_damaged_file_of_ours_is_named(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"short")
    with pytest.raises(DamagedFile, match=r"model\.safetensors"):
        Full().load(tiny("bert"), tmp_path)


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a path was sent to the hub")

    monkeypatch.setattr(sources, "hf_hub_download", refuse)
    yield


@pytest.mark.usefixtures("no_hub")
def test_a_path_is_never_sent_to_a_hub(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copied.parent)
    assert resolve("bert-tiny") == resolve("./bert-tiny") | {"source": "bert-tiny"}
    with pytest.raises(InputError, match=r"bert-tny: no such folder.*Did you mean 'bert-tiny'"):
        resolve("./bert-tny")
    with pytest.raises(InputError, match=r"no config\.json"):
        resolve(".")


def test_an_unknown_embedded_model_is_named() -> None:
    with pytest.raises(InputError, match="unknown embedded model 'nothing'"):
        resolve("embedded:nothing")


def test_a_model_that_is_nowhere_says_what_to_do() -> None:
    with pytest.raises(InputError, match="not in the local cache, and the hub cannot be reached"):
        resolve("nobody/such-a-model")


def test_the_hash_follows_the_content_and_nothing_else(copied: Path) -> None:
    before = resolve(str(copied))["hash"]
    (copied / "README.md").write_text("words")
    assert resolve(str(copied))["hash"] == before
    change_config(copied, hidden_dropout_prob=0.2)
    assert resolve(str(copied))["hash"] != before


WEIGHTS = "model.safetensors"
EMBEDDING = "embeddings.word_embeddings.weight"


def change_config(folder: Path, file: str = "config.json", **changes: Any) -> None:
    config = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(config | changes))


def drop(folder: Path, name: str) -> None:
    weights = load_file(folder / WEIGHTS)
    del weights[name]
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
