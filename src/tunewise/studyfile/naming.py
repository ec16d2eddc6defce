"""Short names for contenders, unique in their study, for tables and the command line."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tunewise.backbones.sources import PAIR
from tunewise.core.paths import tails
from tunewise.studyfile.settings import ModelChoice


def folded(name: str) -> str:
    r"""Names with the same folded form are the same file on some systems, and to some readers.

    >>> folded("LoRA") == folded("lora"), folded("e\u0301") == folded("\u00e9")
    (True, True)
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The settings that do not have one value in all of them, in the order they stand.

    >>> differing([{"rank": 1, "alpha": 16}, {"rank": 2, "alpha": 16}])
    ['rank']
    """
    keys = dict.fromkeys(key for values in settings for key in values)
    return [key for key in keys if any(v.get(key) != settings[0].get(key) for v in settings)]


def suffix(values: Mapping[str, Any], keys: Iterable[str]) -> str:
    """What tells a contender from the others of its method; empty where nothing has to.

    A training setting goes without its section, unless the method has one of that name.

    >>> suffix({"method.rank": 16, "training.epochs": 5}, ["method.rank", "training.epochs"])
    ' rank=16 epochs=5'
    """
    names = {key: key.partition(".")[2] for key in values}
    double = {name for name, times in Counter(names.values()).items() if times > 1}
    return "".join(
        f" {key if names[key] in double and key.startswith('training.') else names[key]}"
        f"={value_in_name(values[key])}"
        for key in keys
        if key in values
    )


def value_in_name(value: Any) -> str:
    """A value without spaces.

    >>> [value_in_name(value) for value in (1e-4, 16.0, True, None, ("query", "value"))]
    ['0.0001', '16', 'true', 'default', 'query+value']
    """
    if value is None:
        return "default"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return "+".join(value_in_name(item) for item in value)
    return str(value).replace(" ", "_")


def model_names(models: Iterable[ModelChoice]) -> dict[ModelChoice, str]:
    """Each model by the last part of its name, or by the whole where that is not unique.

    >>> list(model_names(map(ModelChoice.of, ["a/bert", "b/bert", "./minilm"])).values())
    ['a/bert', 'b/bert', 'minilm']
    """
    models = list(dict.fromkeys(models))
    parts = {model: [part.rstrip("/") for part in model.source.split(PAIR)] for model in models}
    short = {model: "+".join(part.rpartition("/")[2] for part in parts[model]) for model in models}
    times = Counter(folded(name) for name in short.values())
    ends = tails(part for model in models for part in model.source.split(PAIR))
    for model, name in short.items():
        if name and times[folded(name)] == 1:
            continue
        short[model] = str(model)  # in full; of a path from the root, as much as no other has
        for path in model.source.split(PAIR):
            if path.startswith(("/", "~")):
                short[model] = short[model].replace(path, ends[path])
    return short
