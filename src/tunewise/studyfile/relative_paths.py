"""Paths of the command line, which start where the user stands, for a study that lies elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tunewise.backbones.sources import EMBEDDED, PAIR, looks_like_path
from tunewise.data.readers.files import ENDINGS
from tunewise.studyfile.document import Document

Move = Callable[[str], str]


def from_here(path: Sequence[str], value: Any, document: Document) -> Any:
    """The value with its paths as the study file would write them.

    `path` is that of the setting. What is no path stays: a hub id, or a name of something
    embedded.
    """
    here, base = Path.cwd(), document.base.resolve()
    if here.resolve() == base:
        return value

    def moved(name: str) -> str:
        way = os.path.relpath(here / name, base)
        return way if looks_like_path(way) else f"./{way}"

    match path:
        case ["models"]:
            value = _models(value, moved)
        case ["methods", _, "model"]:
            value = _models(value, moved)
        case ["data"] if isinstance(value, dict):
            if value.get("source"):  # its files lie inside it
                value = {**value, "source": _source(value["source"], moved)}
            elif "files" in value:
                value = {**value, "files": _each(value["files"], moved)}
        case ["data", "source"]:
            value = _source(value, moved)
        case ["data", "files", *_] if not document.says(("data", "source")):
            value = _each(value, moved)
        case ["methods", _, "folder"] if isinstance(value, str):
            value = moved(value)
        case ["methods"] if isinstance(value, list):
            value = [
                {name: _settings(inner, moved) for name, inner in entry.items()}
                if isinstance(entry, dict)
                else entry
                for entry in value
            ]
    return value


def _each(value: Any, move: Move) -> Any:
    """Every text in a value, one or several."""
    if isinstance(value, str):
        return move(value)
    if isinstance(value, list):
        return [_each(item, move) for item in value]
    if isinstance(value, dict):
        return {key: _each(item, move) for key, item in value.items()}
    return value


def _models(value: Any, move: Move) -> Any:
    return _each(value, lambda name: _model(name, move))


def _model(name: str, move: Move) -> str:
    if PAIR in name:
        return PAIR.join(_model(part, move) for part in name.split(PAIR))
    is_path = looks_like_path(name) or Path(name).is_dir()
    return move(name) if is_path and not _stands_alone(name) else name


def _source(value: Any, move: Move) -> Any:
    if not isinstance(value, str) or _stands_alone(value):
        return value
    is_path = Path(value).exists() or looks_like_path(value) or value.lower().endswith(ENDINGS)
    return move(value) if is_path else value


def _settings(inner: Any, move: Move) -> Any:
    """An entry of ``methods``, where ``folder`` names an experiment and ``model`` models."""
    if not isinstance(inner, dict):
        return inner
    moved = dict(inner)
    if isinstance(inner.get("folder"), str):
        moved["folder"] = move(inner["folder"])
    if "model" in inner:
        moved["model"] = _models(inner["model"], move)
    return moved


def _stands_alone(name: str) -> bool:
    """Whether the name means the same wherever the user stands."""
    return name.startswith(("/", "~", EMBEDDED)) or "://" in name
