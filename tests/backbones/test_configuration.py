"""Configurations of other people: refused in words, before they take memory or reach a hub."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import modeling_utils

from tunewise.backbones.door import at_the_door
from tunewise.backbones.inventory import skeleton
from tunewise.backbones.load import build, build_writer
from tunewise.backbones.shapes import build_shape, tokenizer_of
from tunewise.core.errors import InputError

NO_YES = ("no", "yes")
GIB = 1 << 30


@pytest.fixture
def copied(checkpoint: Callable[[str], Path], tmp_path: Path) -> Path:
    """A BERT checkpoint that a test may spoil."""
    return Path(shutil.copytree(checkpoint("bert"), tmp_path / "bert"))


def change(folder: Path, file: str = "config.json", **changes: Any) -> None:
    value = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(value | changes))


def complaint(folder: Path) -> str:
    with pytest.raises(InputError) as message:
        build(str(folder), options=NO_YES, seed=0)
    assert "\n" not in str(message.value)
    return str(message.value)


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ({"quant_method": "gptq", "bits": 4}, "gptq"),
        ({"quant_method": "fp8"}, "fp8"),
        ({"load_in_4bit": True}, "bitsandbytes"),
        ({"quant_method": "never heard of"}, "never heard of"),
        ("int4", "it does not say how"),
    ],
)
def test_a_quantized_checkpoint_is_distinguished_from_the_full_one(
    copied: Path, message: Any, name: str
) -> None:
    change(copied, quantization_config=message)
    assert f"is quantized ({name})" in complaint(copied)
    change(copied, quantization_config=None, text_config={"quantization_config": message})
    assert "name the checkpoint it was made from" in complaint(copied)


@pytest.mark.parametrize("text", ["[]", "3", "null", '"bert"', "", "{", "[" * 100_000, "\x00"])
def test_a_configuration_is_an_object(copied: Path, text: str) -> None:
    (copied / "config.json").write_text(text)
    assert "config.json" in complaint(copied)


@pytest.mark.parametrize(
    "changes",
    [
        *({"hidden_size": value} for value in ("wide", None, [1], -4, 0)),
        *({"num_attention_heads": value} for value in (0, 5, "2")),
        *({"dtype": value} for value in ("float99", [1])),
        *({"hidden_act": "none"}, {"id2label": ["a"]}, {"model_type": ["bert"]}),
    ],
)
def test_whatever_a_library_raises_over_a_folder_is_the_users_to_mend(
    copied: Path, changes: dict[str, Any]
) -> None:
    change(copied, **changes)
    assert str(copied) in complaint(copied)
    with pytest.raises(InputError):
        build_shape(copied, options=NO_YES)
    with pytest.raises(InputError):
        skeleton(str(copied))


def test_an_unknown_family_gets_the_nearest_name(copied: Path) -> None:
    change(copied, model_type="brt", auto_map={"AutoModel": "modeling.Brt"})
    message = complaint(copied)
    assert 'model_type = "brt"' in message and "Did you mean 'bert'?" in message
    assert "(auto_map) is never run" in message


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": 10**9},
        {"intermediate_size": 10**8},
        {"vocab_size": 10**13},
        {"max_position_embeddings": 10**9},
        {"num_hidden_layers": 10**9},
        {"num_hidden_layers": 90_000},
        {"num_labels": 10**9},
        {"hidden_size": 2**62, "vocab_size": 2**62},
    ],
)
def test_a_configuration_far_larger_than_its_weights_takes_no_memory(
    copied: Path, changes: dict[str, Any]
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    change(copied, **changes)
    complaint(copied)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before < GIB / 4


def test_what_a_checkpoint_lacks_within_reason_is_made(copied: Path) -> None:
    """A head, a pooler, a layer: only a size beyond that is refused."""
    weights = load_file(copied / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "layer.1." not in name}
    save_file(kept, copied / "model.safetensors", metadata={"format": "pt"})
    assert (
        "bert.encoder.layer.1.output.dense.weight"
        in build(str(copied), options=NO_YES, seed=0).head
    )


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
@pytest.mark.parametrize("value", ["someone/kernel", "flash_attention_2", {"": "someone/kernel"}])
def test_no_attention_is_fetched_from_a_hub(
    copied: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: Any
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a kernel was asked for")

    monkeypatch.setattr(modeling_utils, "lazy_import_flash_attention", refuse)
    plain = build(str(copied), options=NO_YES, seed=0)
    change(copied, **{key: value})
    for model in (build(str(copied), options=NO_YES, seed=0), build_shape(copied, options=NO_YES)):
        used: Any = model.module.config
        own: Any = plain.module.config
        assert used._attn_implementation == own._attn_implementation == "sdpa"


def test_the_librarys_own_attention_stays_as_asked(copied: Path) -> None:
    change(copied, attn_implementation="eager")
    config: Any = build(str(copied), options=NO_YES, seed=0).module.config
    assert config._attn_implementation == "eager"


@pytest.mark.parametrize(
    "changes",
    [
        *({"model_max_length": value} for value in ("long", None, [1], float("inf"), -5)),
        {"tokenizer_class": 3},
        {"pad_token": 7},
    ],
)
def test_a_tokenizers_odd_settings_end_in_a_model_or_in_words(
    copied: Path, changes: dict[str, Any]
) -> None:
    change(copied, "tokenizer_config.json", **changes)
    try:
        model = build(str(copied), options=NO_YES, seed=0)
    except InputError as error:
        assert str(copied) in str(error)
    else:
        assert model.max_length == 40


@pytest.mark.parametrize(
    "text", ["", "[]", "[" * 100_000, '{"model": {"type": "Unheard"}}', "\x01"]
)
def test_a_tokenizer_that_cannot_be_read_is_refused(copied: Path, text: str) -> None:
    (copied / "tokenizer.json").write_text(text)
    complaint(copied)
    assert tokenizer_of(copied) is None


def test_what_a_tokenizer_written_in_rust_panics_over_is_reported_too(copied: Path) -> None:
    change(
        copied,
        "tokenizer.json",
        normalizer={"type": "Precompiled", "precompiled_charsmap": "?"},
    )
    assert "PanicException" in complaint(copied)


def test_a_tokenizer_that_fails_on_every_text_is_refused(copied: Path) -> None:
    single = [
        {"SpecialToken": {"id": "[NONE]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
    ]
    post = {"type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": {}}
    change(copied, "tokenizer.json", post_processor=post)
    with pytest.raises(InputError, match="cannot be loaded as a writer"):
        build_writer(str(copied), seed=0)


def test_a_writer_goes_through_the_same_door(copied: Path) -> None:
    change(copied, hidden_size="wide")
    with pytest.raises(InputError, match="cannot be loaded as a writer of texts"):
        build_writer(str(copied), seed=0)


# The door itself.


def test_our_own_mistakes_stay_what_they_are() -> None:
    for mistake in (AssertionError, KeyError, TypeError, AttributeError):
        namespace: dict[str, Any] = {"__name__": "tunewise.backbones.somewhere", "kind": mistake}
        exec("def ours():\n    raise kind('ours')", namespace)
        with pytest.raises(mistake), at_the_door("fails"):
            namespace["ours"]()


@pytest.mark.parametrize(
    "kind", [MemoryError, KeyboardInterrupt, SystemExit, torch.OutOfMemoryError]
)
def test_memory_that_ran_out_and_an_interrupt_stay_what_they_are(kind: Any) -> None:
    with pytest.raises(kind), at_the_door("fails"):
        raise kind


def test_a_librarys_mistake_becomes_one_line() -> None:
    with pytest.raises(InputError) as message, at_the_door("model x: fails", hint="Take another."):
        raise RuntimeError("two\nlines \x1b[2J")
    assert str(message.value) == "model x: fails (RuntimeError: two lines \ufffd[2J). Take another."
