"""What of a model's folder is loaded: found, and checked before a library opens it. No torch.

transformers loads ``model.safetensors``, or, without it, the files that
``model.safetensors.index.json`` names. Both are read here by the same rule, so that what is hashed
is what is loaded, and nothing but safetensors is. Only headers are read: no number.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from tunewise.backbones.config_file import read_configuration, read_object, shown
from tunewise.core.errors import InputError

WEIGHTS = "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"
CONFIG = "config.json"
ADAPTER = "adapter_config.json"
UNSAFE = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
LONGEST_NAME = 255  # bytes, of a file
MOST_HEADER = 1 << 24  # bytes; a header of 60,000 tensors has half of that
MOST_BESIDE = 1 << 26  # bytes of another file; the largest vocabularies have half of that
FLOATS = frozenset({"F64", "F32", "F16", "BF16"})
HOLES = 0.5  # of a file; weights that were written hardly have any

# What else a model is made of; a changed README or an optimizer left behind changes no model.
BESIDE = (
    *(CONFIG, "generation_config.json", "preprocessor_config.json", "modules.json"),
    *("[0-9]*_*/config.json", "[0-9]*_*/*.safetensors"),  # a sentence encoder's modules
    *("tokenizer*.json", "special_tokens_map.json", "added_tokens.json", "chat_template.*"),
    *("vocab.*", "vocab-*.json", "merges.txt", "*.model", "*.codes", "*.spm", "*.tokenizer"),
    *("*vocab*.json", "*vocab*.txt", "dict.txt", "emoji.json", "normalizer.json", "tekken.json"),
    *("word_shape.json", "word_pronunciation.json", "byte_maps.json"),
)


@dataclass(frozen=True)
class Stored:
    """A tensor as the header of its file describes it."""

    dtype: str
    shape: tuple[int, ...]


def content(source: str, folder: Path) -> list[Path]:
    """Every file that makes the model what it is.

    Raises:
        InputError: its weights are not plain safetensors files inside of the folder.
    """
    return sorted({*_beside(folder), *weight_files(source, folder)})


def _beside(folder: Path) -> set[Path]:
    return {path for pattern in BESIDE for path in folder.glob(pattern) if path.is_file()}


def check_folder(source: str, folder: Path) -> None:
    """Refuse a folder whose configuration or weights cannot be what they are called.

    Raises:
        InputError: there is no configuration, no safetensors, or not the ones that it names.
    """
    with _readable(source):
        if not (folder / CONFIG).is_file():
            no_model = _adapter(folder) if (folder / ADAPTER).exists() else "it is no model."
            raise InputError(f"model {source}: the folder has no config.json; {no_model}")
        read_configuration(folder / CONFIG, f"model {source}")
        if (folder / ADAPTER).exists():
            raise InputError(f"model {source}: {_adapter(folder)}")
        for path in _beside(folder):
            size = path.stat().st_size
            if size > MOST_BESIDE and path.suffix != ".safetensors":
                raise InputError(
                    f"model {source}: {path.name}: has {size:,} bytes, where {MOST_BESIDE:,} is "
                    "the limit of what describes a model."
                )
        for name, tensor in stored_tensors(source, folder).items():
            if name.endswith(".weight") and tensor.dtype not in FLOATS:
                raise InputError(
                    f"model {source}: {shown(name)} is stored as {shown(tensor.dtype)}, no plain "
                    "floating-point number: such weights mean nothing without their scales. Name "
                    "the full checkpoint, with weights in F32, F16 or BF16."
                )


def weight_files(source: str, folder: Path) -> list[Path]:
    """The files that are loaded as weights: one, or an index and those that it names.

    Raises:
        InputError: there are none, or one is not a plain safetensors file inside of the folder.
    """
    with _readable(source):
        if (folder / WEIGHTS).is_file():
            return [_inside(source, folder, WEIGHTS)]
        if not (folder / INDEX).is_file():
            raise InputError(f"model {source}: {_no_weights(folder)}")
        named = named_shards(source, folder / INDEX)
        return [folder / INDEX, *(_inside(source, folder, name) for name in named)]


def named_shards(source: str, index: Path) -> list[str]:
    """The files that an index names, each a plain name of safetensors.

    Raises:
        InputError: it names something else, or nothing.
    """
    place = f"model {source}: {INDEX}"
    names = read_object(index, place).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise InputError(f"{place}: its weight_map must say in which file each tensor lies.")
    for tensor, name in names.items():
        if not _is_plain(name):
            raise InputError(
                f"{place}: names {shown(name)} for {shown(tensor)}. Only safetensors files in the "
                "model's own folder are loaded, by their plain name. Convert or move it, such as "
                "with save_pretrained of transformers."
            )
    return sorted(set(names.values()))


def stored_tensors(source: str, folder: Path) -> dict[str, Stored]:
    """What the headers of the loaded files hold, by name.

    Raises:
        InputError: a file is no safetensors, or the index says otherwise.
    """
    found: dict[str, Stored] = {}
    files = [path for path in weight_files(source, folder) if path.name != INDEX]
    for path in files:
        with _readable(source):
            found |= _header(path, f"model {source}: {path.name}")
    if not found:
        raise InputError(f"model {source}: its weights hold no tensor.")
    if files[0].name != WEIGHTS:
        named = read_object(folder / INDEX, f"model {source}: {INDEX}")["weight_map"]
        if lacking := sorted(named.keys() - found.keys()):
            raise InputError(
                f"model {source}: {INDEX} names {len(lacking)} tensors that the files do not hold, "
                f"such as {shown(lacking[0])}. They belong to different models."
            )
    return found


def one_format(tensors: Iterable[Stored]) -> str | None:
    """The format that all floating-point numbers of a checkpoint are in; None where they differ.

    >>> one_format([Stored("BF16", (2, 3)), Stored("I64", (1,))])
    'BF16'
    """
    formats = {tensor.dtype for tensor in tensors} & FLOATS
    return formats.pop() if len(formats) == 1 else None


def _header(path: Path, place: str) -> dict[str, Stored]:
    """The tensors of one file, by its header alone.

    Raises:
        InputError: it is no safetensors file, or was never written in full.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = struct.unpack("<Q", start)[0] if len(start := file.read(8)) == 8 else size
        if length > min(size - 8, MOST_HEADER):
            raise InputError(f"{place}: is no safetensors file, or was cut short. Fetch it again.")
        text = file.read(length)
        if (missing := _never_written(file.fileno(), size)) > HOLES * size:
            raise InputError(
                f"{place}: {missing:,} of its {size:,} bytes were never written, as after an "
                "interrupted download. Fetch it again."
            )
    try:
        described = dict(json.loads(text))
        described.pop("__metadata__", None)
        tensors = {name: _stored(entry) for name, entry in described.items()}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(
            f"{place}: its header is not one of safetensors. Fetch it again."
        ) from error
    held = 2 * (size - 8 - length)  # no kind of number has less than four bits
    if sum(prod(tensor.shape) for tensor in tensors.values()) > held:
        raise InputError(f"{place}: its header describes more than the file holds. Fetch it again.")
    return tensors


def _stored(entry: dict[str, Any]) -> Stored:
    shape = tuple(entry["shape"])
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("not a shape")
    return Stored(str(entry["dtype"]), shape)


def _never_written(file: int, size: int) -> int:
    """How many bytes of a file the disk never got; none where the file system does not say."""
    written, place = 0, 0
    while place < size:
        try:
            start = os.lseek(file, place, os.SEEK_DATA)
            place = os.lseek(file, start, os.SEEK_HOLE)
        except OSError:  # no data behind this place
            return size - written
        written += place - start
    return size - written


def _inside(source: str, folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise InputError(f"model {source}: {INDEX} names {name}, which is not in the folder.")
    real = path.resolve()
    # The hub's cache keeps contents in a place of their own, named by their hashes.
    cached = real.parent.name == "blobs" and real.parent.parent.name.startswith("models--")
    if real.parent != folder.resolve() and not cached:
        raise InputError(
            f"model {source}: {name} is a link to {real}, outside of the folder. Put the file "
            "itself there, or name the folder that it lies in."
        )
    return path


def _is_plain(name: Any) -> bool:
    return (
        isinstance(name, str)
        and name.endswith(".safetensors")
        and name.isprintable()
        and not {"/", "\\"} & set(name)
        and len(os.fsencode(name)) <= LONGEST_NAME
    )


def _adapter(folder: Path) -> str:
    base = read_object(folder / ADAPTER, ADAPTER).get("base_model_name_or_path")
    return (
        f"it holds an adapter ({ADAPTER}) of the model {shown(base)}, which is not loaded as a "
        "model. Name that model, or fold the adapter into it and save the whole."
    )


def _no_weights(folder: Path) -> str:
    other = sorted(path.name for path in folder.glob("*.safetensors"))
    if other:
        return (
            f"it has neither {WEIGHTS} nor {INDEX}, which are what is loaded, but "
            f"{', '.join(other[:3])}. Rename it if these are the model's weights."
        )
    unsafe = sorted(path.name for pattern in UNSAFE for path in folder.glob(pattern))
    found = f"it has {', '.join(unsafe)}, whose format can run code" if unsafe else "it has none"
    return (
        f"only weights in safetensors are loaded; {found}. "
        "Convert it once with save_pretrained of transformers."
    )


@contextmanager
def _readable(source: str) -> Iterator[None]:
    """Say of which model a file cannot be read."""
    try:
        yield
    except OSError as error:
        name = Path(error.filename).name if isinstance(error.filename, str) else "its folder"
        raise InputError(f"model {source}: {name} cannot be read ({error.strerror}).") from error
