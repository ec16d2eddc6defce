"""A model's config.json as it lies there, checked before a library builds what it asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunewise.core.canonical import JSONObject
from tunewise.core.errors import InputError

MOST_BYTES = 1 << 24  # of a file that describes; 100,000 names of labels are a third of that
MADE_ONE_BY_ONE = re.compile(r"layer|label|depth|block|expert|head|group|stage")
MOST_SHOWN = 80  # characters of a value in a message
MOST_MADE = 100_000  # of what a configuration counts and a library makes one by one
QUANTISED = ("quantization_config", "compression_config")
FULL = "Tunewise trains and measures in full precision: name the checkpoint it was made from."


def read_configuration(path: Path, place: str) -> JSONObject:
    """What the file says.

    Raises:
        InputError: it is no configuration, is of a quantized checkpoint, names weights of its own,
            or counts beyond reason.
    """
    config = read_object(path, f"{place}: config.json")
    for name, value in _settings(config):
        if name in QUANTISED and value is not None:
            quantization = value if isinstance(value, dict) else {}
            way = quantization.get("quant_method")
            if way is None and any(str(key).startswith("load_in_") for key in quantization):
                way = "bitsandbytes"
            if not isinstance(way, str) or not way.isprintable():
                way = "it does not say how"
            raise InputError(f"{place}: the checkpoint is quantized ({way}). {FULL}")
        if type(value) is int and value > MOST_MADE and MADE_ONE_BY_ONE.search(name):
            raise InputError(
                f"{place}: config.json: {shown(name)} = {shown(value)}: {MOST_MADE:,} is the limit."
            )
    if config.get("transformers_weights") is not None:
        raise InputError(
            f"{place}: config.json: transformers_weights names another file than "
            "model.safetensors; take it out, and give the weights that name."
        )
    return config


def read_object(path: Path, place: str) -> JSONObject:
    """A small file of JSON that holds one object.

    Raises:
        InputError: it is too large, no JSON, or holds something else.
    """
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise InputError(f"{place}: has {size:,} bytes, where {MOST_BYTES:,} is the limit.")
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{place}: cannot be read ({error.strerror}).") from error
    except RecursionError as error:
        raise InputError(f"{place}: is nested too deep to be read.") from error
    except ValueError as error:  # of the encoding, too
        raise InputError(f"{place}: is not JSON ({error}).") from error
    if not isinstance(value, dict):
        raise InputError(f"{place}: must be an object with names and values; found {shown(value)}.")
    return value


def shown(value: Any) -> str:
    """What a file says, in one line that a terminal only prints."""
    text = json.dumps(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]} ..."


def _settings(config: JSONObject) -> Iterator[tuple[str, Any]]:
    """Every name with its value, those inside of others too; a list's values bear its name."""
    waiting: list[tuple[str, Any]] = list(config.items())
    while waiting:
        name, value = waiting.pop()
        yield name, value
        if isinstance(value, dict):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += [(name, one) for one in value]
