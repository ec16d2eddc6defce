"""A hundred folders that are no usual model: each a sound one with one thing changed.

Run as a program it validates a study on each in one process, and prints what came of it::

    python -m tests.faults.model_folders SCRATCH [NAME ...]
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import shutil
import struct
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from safetensors.torch import load_file, save_file

from tunewise.backbones.sources import EMBEDDED_FOLDER
from tunewise.cli.main import main

Change = Callable[[Path], None]
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
WORDS = "embeddings.word_embeddings.weight"
HUGE = 10**9
SPARSE = 1 << 34  # bytes that a file claims and does not hold
STUDY = """\
name: folders
task: {{kind: classification, text: text, label: label}}
data: {{source: "embedded:reviews", limit: 30}}
models: [{folder}]
methods: [majority, head]
training: {{epochs: 1, batch_size: 16, learning_rate: null}}
seeds: [0]
"""


def config(**changes: Any) -> Change:
    return _json("config.json", lambda value: value | changes)


def without(*keys: str) -> Change:
    return _json("config.json", lambda value: {k: v for k, v in value.items() if k not in keys})


def tokenizer(**changes: Any) -> Change:
    return _json("tokenizer.json", lambda value: value | changes)


def tokenizer_config(**changes: Any) -> Change:
    return _json("tokenizer_config.json", lambda value: value | changes)


def words(**changes: Any) -> Change:
    """Another `model` in tokenizer.json."""
    return _json("tokenizer.json", lambda value: value | {"model": value["model"] | changes})


def content(name: str, text: str | bytes) -> Change:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    return write


def cut(name: str, keep: float) -> Change:
    def truncate(folder: Path) -> None:
        os.truncate(folder / name, int((folder / name).stat().st_size * keep))

    return truncate


def sparse(name: str) -> Change:
    return lambda folder: os.truncate(folder / name, SPARSE)


def gone(*names: str) -> Change:
    def remove_them(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return remove_them


def renamed(name: str, to: str) -> Change:
    def rename(folder: Path) -> None:
        (folder / name).rename(folder / to)

    return rename


def weights(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Change:
    def save_again(folder: Path) -> None:
        tensors = change(load_file(folder / WEIGHTS))
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})

    return save_again


def each(change: Callable[[torch.Tensor], torch.Tensor]) -> Change:
    return weights(lambda tensors: {name: change(value) for name, value in tensors.items()})


def header(value: Any, rest: bytes = b"\0" * 64, length: int | None = None) -> Change:
    """A weights file with this header; `length` is what it says of the header's size."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return content(
        WEIGHTS, struct.pack("<Q", len(text) if length is None else length) + text + rest
    )


def index(names: Any, shard: str = "weights-1.safetensors", *, keep: bool = False) -> Change:
    """Weights in another file, and an index; `names` is its weight_map, or the name it has."""

    def split(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        where = folder / shard
        where.parent.mkdir(exist_ok=True)
        if shard.endswith(".safetensors"):
            save_file(tensors, where, metadata={"format": "pt"})
        else:
            torch.save(tensors, where)
        if not keep:
            (folder / WEIGHTS).unlink()
        message = dict.fromkeys(tensors, names) if isinstance(names, str) else names
        whole = (
            message
            if isinstance(message, str) or "weight_map" in message
            else {"weight_map": message}
        )
        (folder / INDEX).write_text(json.dumps(whole))

    return split


def link(name: str, to: str) -> Change:
    """A file that lies elsewhere, with a link to it."""

    def move(folder: Path) -> None:
        target = folder / to
        target.parent.mkdir(parents=True, exist_ok=True)
        (folder / name).rename(target)
        (folder / name).symlink_to(target)

    return move


def _json(name: str, change: Callable[[Any], Any]) -> Change:
    def write(folder: Path) -> None:
        value = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(change(value)))

    return write


def _quantised(method: str, **more: Any) -> Change:
    return config(quantization_config={"quant_method": method, **more})


def _unreadable(name: str) -> Change:
    return lambda folder: (folder / name).chmod(0)


def _folder_for(name: str) -> Change:
    def replace(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return replace


def _changed(tensors: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    return {**tensors, name: value}


NAN, INF = float("nan"), float("inf")
BROKEN: dict[str, Change] = {
    # Quantized
    **{
        f"quantised-{method}": _quantised(method)
        for method in ("gptq", "awq", "fp8", "mxfp4", "hqq", "compressed-tensors", "torchao", "new")
    },
    "quantised-bnb-4": _quantised("bitsandbytes", load_in_4bit=True),
    "quantised-bnb-8": config(quantization_config={"load_in_8bit": True}),
    "quantised-nothing-said": config(quantization_config={}),
    "quantised-word": config(quantization_config="int4"),
    "quantised-list": config(quantization_config=[1]),
    # config.json is no configuration
    "config-list": content("config.json", "[]"),
    "config-number": content("config.json", "3"),
    "config-text": content("config.json", '"bert"'),
    "config-null": content("config.json", "null"),
    "config-empty": content("config.json", ""),
    "config-empty-object": content("config.json", "{}"),
    "config-not-json": content("config.json", "{model_type: bert}"),
    "config-cut": cut("config.json", 0.5),
    "config-binary": content("config.json", bytes(range(256)) * 4),
    "config-utf16": content("config.json", '{"model_type": "bert"}'.encode("utf-16")),
    "config-nested": content("config.json", "[" * 100_000 + "]" * 100_000),
    "config-nested-inside": content(
        "config.json", '{"model_type": "bert", "x": ' + '{"a":' * 90_000 + "1" + "}" * 90_001
    ),
    "config-digits": content(
        "config.json", '{"model_type": "bert", "hidden_size": 1' + "0" * 9999 + "}"
    ),
    "config-sparse": sparse("config.json"),
    "config-folder": _folder_for("config.json"),
    "config-missing": gone("config.json"),
    # Wrong types
    "type-list": config(model_type=["bert"]),
    "type-number": config(model_type=3),
    "type-null": config(model_type=None),
    "type-unknown": config(model_type="brt"),
    "type-long": config(model_type="b" * 5000),
    "type-escape": config(model_type="\x1b[2J\nbert"),
    "type-missing": without("model_type"),
    "type-remote-code": config(model_type="mine", auto_map={"AutoModel": "modeling.Mine"}),
    "type-of-pictures": config(model_type="vit"),
    "type-of-sound": config(model_type="whisper"),
    **{
        f"{key}-{kind}": config(**{key: value})
        for key in ("hidden_size", "num_hidden_layers", "vocab_size", "hidden_act")
        for kind, value in {
            "text": "many",
            "list": [1],
            "null": None,
            "negative": -4,
            "object": {"a": 1},
        }.items()
    },
    "heads-text": config(num_attention_heads="4"),
    "heads-zero": config(num_attention_heads=0),
    "heads-odd": config(num_attention_heads=3),
    "heads-many": config(num_attention_heads=HUGE),
    "positions-zero": config(max_position_embeddings=0),
    "positions-one": config(max_position_embeddings=1),
    "layers-zero": config(num_hidden_layers=0),
    "norm-text": config(layer_norm_eps="tiny"),
    "dropout-two": config(hidden_dropout_prob=2.0),
    "padding-outside": config(pad_token_id=HUGE),
    "architectures-number": config(architectures=7),
    "dtype-unknown": config(dtype="float99"),
    "dtype-list": config(dtype=[1]),
    "dtype-integer": config(dtype="int8"),
    "labels-list": config(id2label=["a", "b"]),
    "labels-text": config(id2label="a"),
    "weights-named": config(transformers_weights="../other.safetensors"),
    # Huge
    "huge-width": config(hidden_size=HUGE),
    "huge-middle": config(intermediate_size=HUGE),
    "huge-depth": config(num_hidden_layers=HUGE),
    "deep": config(num_hidden_layers=90_000),
    "huge-vocabulary": config(vocab_size=10**13),
    "large-vocabulary": config(vocab_size=5_000_000),
    "huge-positions": config(max_position_embeddings=HUGE),
    "huge-labels": config(num_labels=HUGE),
    "huge-everything": config(hidden_size=2**62, vocab_size=2**62),
    # Attention from a hub
    "attention-kernel": config(attn_implementation="someone/some-kernel"),
    "attention-kernel-inner": config(_attn_implementation="kernels-community/flash-attn"),
    "attention-internal": config(_attn_implementation_internal="someone/some-kernel"),
    "attention-flash": config(attn_implementation="flash_attention_2"),
    "attention-number": config(attn_implementation=3),
    "attention-object": config(attn_implementation={"": "someone/some-kernel"}),
    "experts-kernel": config(experts_implementation="someone/experts"),
    # Weights
    "weights-missing": gone(WEIGHTS),
    "weights-empty": content(WEIGHTS, b""),
    "weights-text": content(WEIGHTS, "no weights\n" * 9),
    "weights-pointer": content(
        WEIGHTS, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
    ),
    "weights-cut": cut(WEIGHTS, 0.5),
    "weights-cut-header": cut(WEIGHTS, 0.001),
    "weights-sparse": sparse(WEIGHTS),
    "weights-folder": _folder_for(WEIGHTS),
    "weights-variant": renamed(WEIGHTS, "model.fp16.safetensors"),
    "weights-nan": each(lambda value: value.float() * NAN),
    "weights-one-nan": weights(
        lambda t: _changed(t, WORDS, t[WORDS].index_fill(0, torch.tensor([9]), NAN))
    ),
    "weights-infinite": each(lambda value: value + INF),
    "weights-integers": each(lambda value: (value.float() * 50).to(torch.int8)),
    "weights-float8": each(lambda value: value.to(torch.float8_e4m3fn)),
    "weights-complex": each(lambda value: value.to(torch.complex64)),
    "weights-bool": each(lambda value: value > 0),
    "weights-none": weights(lambda tensors: {}),
    "weights-no-rows": weights(lambda t: _changed(t, WORDS, t[WORDS][:0].contiguous())),
    "weights-flat": each(lambda value: value.flatten()),
    "weights-scalar": each(lambda value: value.flatten()[0].clone()),
    "weights-of-others": weights(lambda t: {f"other.{name}": value for name, value in t.items()}),
    "weights-double": header(
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
        b'"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    ),
    "header-list": header([]),
    "header-long": header({}, length=2**60),
    "header-half-a-gigabyte": header({}, length=2**29),
    "header-negative": header({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 64]}}),
    "header-outside": header({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}),
    "header-shape": header({"a": {"dtype": "F32", "shape": "wide", "data_offsets": [0, 64]}}),
    "header-dtype": header({"a": {"dtype": "F99", "shape": [16], "data_offsets": [0, 64]}}),
    # The index
    "index-pickle": index("weights-1.bin", "weights-1.bin"),
    "index-pickle-renamed": index("../weights.bin", "../weights.bin"),
    "index-outside": index("../elsewhere.safetensors", "../elsewhere.safetensors"),
    "index-subfolder": index("sub/m.safetensors", "sub/m.safetensors"),
    "index-absolute": index("/etc/passwd"),
    "index-device": index("/dev/zero"),
    "index-missing-file": index("weights-2.safetensors"),
    "index-up-and-down": index("../folder/weights-1.safetensors"),
    "index-windows": index("sub\\m.safetensors"),
    "index-empty-name": index(""),
    "index-dots": index(".."),
    "index-long-name": index("w" * 300 + ".safetensors"),
    "index-zero-byte": index("w\0.safetensors"),
    "index-number": index({"weight_map": {WORDS: 3}}),
    "index-list": index({"weight_map": [1]}),
    "index-empty": index({"weight_map": {}}),
    "index-none": index({"metadata": {}}),
    "index-text": index({"weight_map": "x"}),
    "index-names-others": index({"weight_map": {"other": "weights-1.safetensors"}}),
    # Links, adapters
    "link-outside": link(WEIGHTS, "../elsewhere/model.safetensors"),
    "link-config": link("config.json", "../elsewhere/config.json"),
    "link-tokenizer": link("tokenizer.json", "../elsewhere/tokenizer.json"),
    "adapter-embedded": content("adapter_config.json", '{"base_model_name_or_path": "gpt2"}'),
    # The tokenizer
    "tokenizer-missing": gone("tokenizer.json"),
    "tokenizer-files-missing": gone("tokenizer.json", "tokenizer_config.json"),
    "tokenizer-empty": content("tokenizer.json", ""),
    "tokenizer-list": content("tokenizer.json", "[]"),
    "tokenizer-cut": cut("tokenizer.json", 0.5),
    "tokenizer-binary": content("tokenizer.json", bytes(range(256)) * 40),
    "tokenizer-sparse": sparse("tokenizer.json"),
    "tokenizer-nested": content("tokenizer.json", "[" * 100_000),
    "tokenizer-kind": words(type="Unheard"),
    "tokenizer-no-words": words(vocab={}),
    "tokenizer-more-words": words(vocab={str(n): n for n in range(5000)} | {"[UNK]": 5000}),
    "tokenizer-huge-number": words(vocab={"[UNK]": 1, "[PAD]": 0, "a": 2**31}),
    "tokenizer-negative-number": words(vocab={"[UNK]": 1, "a": -1}),
    "tokenizer-same-number": words(vocab={"[UNK]": 1, "[PAD]": 0, "a": 1, "b": 1}),
    "tokenizer-no-unknown": words(vocab={"a": 0, "b": 1}, unk_token="[NONE]"),
    "tokenizer-normalizer": tokenizer(
        normalizer={"type": "Precompiled", "precompiled_charsmap": "?"}
    ),
    "tokenizer-regex": tokenizer(
        pre_tokenizer={
            "type": "Split",
            "pattern": {"Regex": "(" * 500},
            "behavior": "Isolated",
            "invert": False,
        }
    ),
    "tokenizer-post": tokenizer(
        post_processor={
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[NONE]", "type_id": 0}}],
            "pair": [],
            "special_tokens": {},
        }
    ),
    "tokenizer-padding": tokenizer(
        padding={
            "strategy": {"Fixed": HUGE},
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "[PAD]",
        }
    ),
    "tokenizer-added": tokenizer(
        added_tokens=[
            {
                "id": HUGE,
                "content": "[FAR]",
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
        ]
    ),
    "tokenizer-config-list": content("tokenizer_config.json", "[]"),
    "tokenizer-config-empty": content("tokenizer_config.json", ""),
    "tokenizer-class-number": tokenizer_config(tokenizer_class=3),
    "tokenizer-class-unknown": tokenizer_config(tokenizer_class="NoTokenizer"),
    "tokenizer-class-remote": tokenizer_config(
        tokenizer_class="Mine", auto_map={"AutoTokenizer": ["mine.Mine", None]}
    ),
    "tokenizer-length-text": tokenizer_config(model_max_length="long"),
    "tokenizer-length-one": tokenizer_config(model_max_length=1),
    "tokenizer-length-negative": tokenizer_config(model_max_length=-5),
    "tokenizer-length-endless": content("tokenizer_config.json", '{"model_max_length": Infinity}'),
    "tokenizer-pad-number": tokenizer_config(pad_token=7),
    "tokenizer-pad-object": tokenizer_config(pad_token={"content": 3}),
    "tokenizer-added-object": tokenizer_config(added_tokens_decoder={"x": {"content": "y"}}),
    "tokenizer-special-list": content("special_tokens_map.json", '{"pad_token": []}'),
    # Rights and names
    "unreadable-config": _unreadable("config.json"),
    "unreadable-weights": _unreadable(WEIGHTS),
    "unreadable-folder": _unreadable("."),
}


def sound(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(EMBEDDED_FOLDER / "encoder", folder)


def make(name: str, scratch: Path) -> Path:
    """The study of that case, in a folder that it has for itself."""
    home = scratch / name
    sound(home / "folder")
    BROKEN[name](home / "folder")
    study = home / "study.yaml"
    study.write_text(STUDY.format(folder=json.dumps(str(home / "folder"))))
    return study


def remove(study: Path) -> None:
    with contextlib.suppress(OSError):
        (study.parent / "folder").chmod(0o755)
    shutil.rmtree(study.parent)


def validated(study: Path) -> dict[str, Any]:
    """The exit code, what was said, and whether a traceback would have been shown."""
    message, code, seen = io.StringIO(), 0, ""
    started = time.process_time()
    with (
        patch.object(sys, "argv", ["tunewise", "validate", str(study)]),
        contextlib.redirect_stderr(message),
        contextlib.redirect_stdout(message),
    ):
        try:
            main()
        except SystemExit as error:
            code = int(error.code or 0)
        except BaseException:
            code, seen = 1, traceback.format_exc()
    return {
        "code": code,
        "said": message.getvalue(),
        "traceback": seen,
        "seconds": round(time.process_time() - started, 3),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def run(scratch: Path, names: list[str]) -> None:
    """Validate each case, one after another in this process; one line of JSON for each."""
    warm = make("type-unknown", scratch)  # what is imported counts for no case
    sound(warm.parent / "folder")
    print(json.dumps({"name": "sound", **validated(warm)}), flush=True)
    for name in names or BROKEN:
        study = make(name, scratch)
        print(json.dumps({"name": name, **validated(study)}), flush=True)
        remove(study)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2:])
