"""What of a model's folder is loaded: plain safetensors inside of it, and those are hashed."""

from __future__ import annotations

import ast
import json
import os
import shutil
import struct
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from huggingface_hub.errors import EntryNotFoundError
from safetensors.torch import load_file, save_file

from tunewise.backbones import sources
from tunewise.backbones.folder import BESIDE, INDEX, WEIGHTS, content
from tunewise.backbones.load import build
from tunewise.backbones.sources import check_unchanged, resolve, whereabouts
from tunewise.core.errors import InputError

NO_YES = ("no", "yes")
SHARDS = ("model-1.safetensors", "model-2.safetensors")


@pytest.fixture
def copied(checkpoint: Callable[[str], Path], tmp_path: Path) -> Path:
    """A BERT checkpoint that a test may spoil."""
    return Path(shutil.copytree(checkpoint("bert"), tmp_path / "bert"))


@pytest.fixture
def sharded(copied: Path) -> Path:
    """The same in two files and an index."""
    split(copied)
    return copied


def split(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    names = {name: SHARDS[number % 2] for number, name in enumerate(sorted(weights))}
    for shard in SHARDS:
        part = {name: weights[name] for name, own in names.items() if own == shard}
        save_file(part, folder / shard, metadata={"format": "pt"})
    write_index(folder, names)


def write_index(folder: Path, names: dict[str, str]) -> None:
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": names}))


def scaled(path: Path, factor: float = 2) -> None:
    """Other weights in the same file."""
    weights = {name: tensor * factor for name, tensor in load_file(path).items()}
    save_file(weights, path, metadata={"format": "pt"})


def hash_of(folder: Path) -> str:
    return str(resolve(str(folder))["hash"])


def numbers(folder: Path) -> list[torch.Tensor]:
    backbone: Any = build(str(folder), options=NO_YES, seed=0).module.get_submodule("bert")
    return [weight.detach() for weight in backbone.parameters()]


# What is loaded is what is hashed.


def test_shards_are_loaded_as_one_file_is(copied: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(copied, tmp_path / "sharded"))
    split(other)
    for one, same in zip(numbers(copied), numbers(other), strict=True):
        assert torch.equal(one, same)


@pytest.mark.parametrize("file", [*SHARDS, INDEX])
def test_every_file_of_the_weights_is_in_the_hash(sharded: Path, file: str) -> None:
    before = hash_of(sharded)
    if file == INDEX:
        index = json.loads((sharded / INDEX).read_text())
        (sharded / INDEX).write_text(json.dumps(index, indent=1))
    else:
        scaled(sharded / file)
    assert hash_of(sharded) != before


def test_beside_one_file_an_index_and_its_shards_are_neither_loaded_nor_hashed(
    copied: Path, tmp_path: Path
) -> None:
    alone, before = hash_of(copied), numbers(copied)
    other = Path(shutil.copytree(copied, tmp_path / "sharded"))
    split(other)
    for name in (*SHARDS, INDEX):
        shutil.copy(other / name, copied / name)
    scaled(copied / SHARDS[0])
    assert hash_of(copied) == alone
    for one, same in zip(before, numbers(copied), strict=True):
        assert torch.equal(one, same)


@pytest.mark.parametrize("name", ["model.fp16.safetensors", "optimizer.safetensors", "notes.md"])
def test_what_is_not_loaded_is_not_in_the_hash(copied: Path, name: str) -> None:
    before = hash_of(copied)
    (copied / name).write_bytes(b"anything")
    assert hash_of(copied) == before


def test_the_hash_of_a_plain_folder_is_that_of_its_files_by_name(copied: Path) -> None:
    """So that trials of before keep their place."""
    names = {path.name for path in content(str(copied), copied)}
    assert names == {"config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json"}


def test_a_files_change_is_noticed_while_a_study_runs(sharded: Path) -> None:
    recorded = resolve(str(sharded))
    check_unchanged(recorded, since=0)
    scaled(sharded / SHARDS[1])
    with pytest.raises(InputError, match="its files have changed"):
        check_unchanged(recorded, since=0)


def test_every_file_that_a_tokenizer_of_the_library_reads_is_in_the_hash() -> None:
    names = {name for table in vocabulary_files() for name in table.values()}
    assert "merges.txt" in names
    assert [name for name in names if not any(fnmatch(name, kind) for kind in BESIDE)] == []


def vocabulary_files() -> list[dict[str, str]]:
    """What each tokenizer calls its files, read off its source: to import all takes a minute."""
    folder = Path(transformers.__file__).parent / "models"
    found = []
    for path in folder.glob("*/tokenization_*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            named = isinstance(node, ast.Assign) and ast.unparse(node.targets[0])
            if named == "VOCAB_FILES_NAMES":
                value: Any = node
                found.append(ast.literal_eval(value.value))
    return found


# What is refused.


@pytest.mark.parametrize(
    "name",
    [
        *("weights.bin", "weights.pt", "../elsewhere.safetensors", "sub/part.safetensors"),
        *("..", "", ".safetensors/", "/etc/passwd", "sub\\part.safetensors", "a\nb.safetensors"),
        *("w" * 300 + ".safetensors", 3, None, ["a.safetensors"]),
    ],
)
def test_an_index_that_names_anything_but_a_plain_file_is_refused(copied: Path, name: Any) -> None:
    weights = load_file(copied / WEIGHTS)
    (copied / "sub").mkdir()
    for place in (copied.parent / "elsewhere.safetensors", copied / "sub" / "part.safetensors"):
        save_file(weights, place, metadata={"format": "pt"})
    (copied / WEIGHTS).unlink()
    torch.save(weights, copied / "weights.bin")
    write_index(copied, dict.fromkeys(weights, name))
    with pytest.raises(
        InputError, match="Only safetensors files in the model's own folder"
    ) as message:
        resolve(str(copied))
    assert "\n" not in str(message.value)


def test_a_pickle_called_safetensors_is_not_read(sharded: Path) -> None:
    torch.save({"a": torch.ones(1)}, sharded / SHARDS[0])
    with pytest.raises(InputError, match=r"model-1\.safetensors: is no safetensors file"):
        resolve(str(sharded))


@pytest.mark.parametrize("index", [{}, {"weight_map": {}}, {"weight_map": []}, [], 3])
def test_an_index_that_names_nothing_is_refused(sharded: Path, index: Any) -> None:
    (sharded / INDEX).write_text(json.dumps(index))
    with pytest.raises(InputError, match=r"weight_map must say|must be an object"):
        resolve(str(sharded))


def test_a_file_that_the_index_names_and_that_is_not_there_is_named(sharded: Path) -> None:
    (sharded / SHARDS[1]).unlink()
    with pytest.raises(InputError, match=r"names model-2\.safetensors, which is not in the folder"):
        resolve(str(sharded))


def test_tensors_that_the_index_names_must_be_in_its_files(sharded: Path) -> None:
    index = json.loads((sharded / INDEX).read_text())["weight_map"]
    write_index(sharded, {**index, "another.weight": SHARDS[0]})
    with pytest.raises(InputError, match=r'1 tensors .* not hold, such as "another.weight"'):
        resolve(str(sharded))


@pytest.mark.parametrize("file", [WEIGHTS, SHARDS[0]])
def test_a_link_out_of_the_folder_is_refused(copied: Path, file: str) -> None:
    if file != WEIGHTS:
        split(copied)
    outside = (copied / file).rename(copied.parent / "outside.safetensors")
    (copied / file).symlink_to(outside)
    with pytest.raises(InputError, match=r"is a link to .*outside\.safetensors"):
        resolve(str(copied))


def test_a_link_to_the_whole_folder_is_as_good_as_the_folder(copied: Path) -> None:
    link = copied.with_name("link")
    link.symlink_to(copied)
    assert hash_of(link) == hash_of(copied)


def test_other_names_of_weights_are_reported(copied: Path) -> None:
    (copied / WEIGHTS).rename(copied / "model.fp16.safetensors")
    with pytest.raises(InputError, match=r"neither model\.safetensors nor .*model\.fp16"):
        resolve(str(copied))


def test_a_folder_with_an_adapter_is_no_plain_model(copied: Path) -> None:
    (copied / "adapter_config.json").write_text('{"base_model_name_or_path": "gpt2"}')
    with pytest.raises(InputError, match=r'holds an adapter .* of the model "gpt2"'):
        resolve(str(copied))


@pytest.mark.parametrize("kind", [torch.int8, torch.uint8, torch.float8_e4m3fn])
def test_weights_that_are_no_plain_numbers_are_refused(copied: Path, kind: Any) -> None:
    weights = {name: tensor.to(kind) for name, tensor in load_file(copied / WEIGHTS).items()}
    save_file(weights, copied / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(InputError, match="no plain floating-point number"):
        resolve(str(copied))


def test_integers_that_are_no_weights_are_none_of_our_business(copied: Path) -> None:
    weights = {**load_file(copied / WEIGHTS), "embeddings.position_ids": torch.arange(40)[None]}
    save_file(weights, copied / WEIGHTS, metadata={"format": "pt"})
    build(str(copied), options=NO_YES, seed=0)


def test_a_file_that_was_never_written_is_not_read_to_its_end(copied: Path) -> None:
    os.truncate(copied / WEIGHTS, 1 << 40)
    with pytest.raises(InputError, match="bytes were never written"):
        resolve(str(copied))


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}},
        {"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": "wide", "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32"}},
        [1],
        3,
        {},
    ],
)
def test_a_header_that_cannot_be_true_is_refused(copied: Path, header: Any) -> None:
    text = json.dumps(header).encode()
    (copied / WEIGHTS).write_bytes(struct.pack("<Q", len(text)) + text + bytes(4096))
    with pytest.raises(InputError, match=r"its header|hold no tensor"):
        resolve(str(copied))


@pytest.mark.parametrize("source", ["./" + "a" * 300, "b" * 300, "~nobody-is-called-so/model"])
def test_names_that_cannot_exist_are_refused_in_words(source: str) -> None:
    with pytest.raises(InputError, match="model "):
        resolve(source)


@pytest.mark.parametrize("name", ["../embedded/encoder", "a" * 300, ".", ""])
def test_an_embedded_model_is_one_of_ours(name: str) -> None:
    with pytest.raises(InputError, match="unknown embedded model"):
        resolve(f"embedded:{name}")


# The hub's cache.


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache as the hub's library lays it out, and nothing but it to ask."""
    cache = tmp_path / "hub"
    repository = cache / "models--someone--bert"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("c0ffee")

    def find(source: str, name: str, *, revision: str | None, local_files_only: bool) -> str:
        path = repository / "snapshots" / "c0ffee" / name
        if not path.exists():
            raise EntryNotFoundError(f"no {name}")
        return str(path)

    monkeypatch.setattr(sources, "hf_hub_download", find)
    return repository


def put_into_cache(repository: Path, folder: Path) -> Path:
    """Contents under their hashes, and links to them in a snapshot."""
    snapshot = repository / "snapshots" / "c0ffee"
    for place in (snapshot, repository / "blobs"):
        place.mkdir(parents=True)
    for number, path in enumerate(sorted(folder.iterdir())):
        shutil.copy(path, repository / "blobs" / f"{number:040x}")
        (snapshot / path.name).symlink_to(Path("../../blobs") / f"{number:040x}")
    return snapshot


@pytest.mark.parametrize("shards", [False, True])
def test_a_snapshot_in_the_hubs_cache_is_a_folder_too(
    hub: Path, copied: Path, *, shards: bool
) -> None:
    if shards:
        split(copied)
    snapshot = put_into_cache(hub, copied)
    assert hash_of(snapshot) == hash_of(copied)
    for one, same in zip(numbers(snapshot), numbers(copied), strict=True):
        assert torch.equal(one, same)


def test_a_model_on_the_hub_is_held_to_the_same(hub: Path, sharded: Path) -> None:
    snapshot = put_into_cache(hub, sharded)
    where, folder = whereabouts("someone/bert")
    assert (where["revision"], folder) == ("c0ffee", snapshot)
    (snapshot / INDEX).unlink()
    write_index(snapshot, {"a": "weights.bin"})
    with pytest.raises(InputError, match=r'someone/bert: .* names "weights\.bin"'):
        whereabouts("someone/bert")


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json", "tokenizer_config.json"])
def test_a_file_that_describes_is_small(copied: Path, name: str) -> None:
    os.truncate(copied / name, 1 << 40)
    with pytest.raises(InputError, match=rf"{name}: has 1,099,511,627,776 bytes"):
        resolve(str(copied))
