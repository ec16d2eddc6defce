"""Facts of well-known hub models, from one file in the package: no network, no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tunewise.core.cache import cache_folder
from tunewise.core.canonical import JSONObject
from tunewise.core.files import write_json

FILE = Path(__file__).parent / "known_models.json"
MANY = "many"  # a model of some hundred languages
NAMES = {  # of the same size in the configurations of families that have their own words
    "width": ("hidden_size", "dim", "n_embd"),
    "layers": ("num_hidden_layers", "n_layers", "n_layer"),
    "vocabulary": ("vocab_size",),
}


@dataclass(frozen=True)
class KnownModel:
    """A model of the hub whose shapes and terms are known here.

    `forms` are those of a `Builder`: what it can be adapted to do. `config` holds what of its
    ``config.json`` decides shapes; the rest is as the family has it.
    """

    name: str
    family: str  # ``model_type`` of transformers
    parameters: int  # of the backbone; with the output layer where it writes
    languages: tuple[str, ...]  # ISO 639-1, or `MANY`
    forms: tuple[str, ...]
    context: int  # tokens
    license: str
    config: Mapping[str, Any]

    @property
    def width(self) -> int:
        return self._size("width")

    @property
    def layers(self) -> int:
        return self._size("layers")

    @property
    def embedded(self) -> int:
        """Parameters of the token embeddings, which an encoder only looks up."""
        return self._size("vocabulary") * self.width

    def reads(self, languages: tuple[str, ...]) -> bool:
        """Whether it was pretrained on texts of all these languages, as far as its card says."""
        return MANY in self.languages or set(languages) <= set(self.languages)

    def _size(self, what: str) -> int:
        return int(next(self.config[name] for name in NAMES[what] if name in self.config))


@cache
def known_models() -> tuple[KnownModel, ...]:
    """All of them, small to large within their kind."""
    entries: list[JSONObject] = json.loads(FILE.read_text(encoding="utf-8"))["models"]
    for entry in entries:
        entry |= {name: tuple(entry[name]) for name in ("languages", "forms")}
    return tuple(KnownModel(**entry) for entry in entries)


def known_model(source: str) -> KnownModel | None:
    """The model that a hub id names, also by the name it had before it got an owner.

    >>> known_model("bert-base-uncased").name
    'google-bert/bert-base-uncased'
    """
    matches = (
        model for model in known_models() if source in (model.name, model.name.rpartition("/")[2])
    )
    return next(matches, None)


def shapes_folder(model: KnownModel) -> Path:
    """A folder of the user's cache with a ``config.json`` of its shapes: no weights, no tokenizer.

    Raises:
        OSError: there can be no cache.
    """
    folder = cache_folder() / "known-models" / model.name.replace("/", "--")
    wanted: JSONObject = {"model_type": model.family, **model.config}
    write_json(folder / "config.json", wanted)
    return folder
