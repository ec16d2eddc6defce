"""Values from the command line, laid over those of the study file before anything is checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tunewise.core.errors import InputError, Problem, unknown
from tunewise.studyfile.document import Document, Keys
from tunewise.studyfile.names import TOP
from tunewise.studyfile.reading import read_text
from tunewise.studyfile.relative_paths import from_here


def override(document: Document, overrides: Sequence[str]) -> Document:
    """The document with each ``path=value`` put in its place; values are read as YAML.

    ``methods.lora.rank=4`` means every entry of that method (or of that name). A value that
    replaces a mapping or a list replaces the whole of it.

    Raises:
        InputError: an override has no path, no value, or goes where nothing can be.
    """
    values = document.values
    overridden: dict[Keys, str] = {}
    problems: list[Problem] = []
    for text in overrides:
        try:
            path, value = _parsed(text)
            value = from_here(path, value, document)
            for keys in list(_meant(values, path)):
                values = _put(values, keys, value, text)
                overridden[keys] = f"--set {'.'.join(path)}"
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    if not overrides:
        return document
    # What the file had inside of a value that was replaced stands there no longer.
    lines = {
        keys: line
        for keys, line in document.lines.items()
        if not any(keys[:length] in overridden for length in range(len(keys)))
    }
    return replace(document, values=values, lines=lines, overridden=overridden, text=None)


def _parsed(text: str) -> tuple[list[str], Any]:
    path, equals, value = text.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        problem = "a setting and its value, such as --set training.epochs=2, are right here."
        raise InputError([Problem(f"--set {text}", problem)])
    if keys[0] not in TOP:
        raise InputError([Problem(f"--set {path}", unknown("setting of a study", keys[0], TOP))])
    document = read_text(value, name=f"--set {path}")
    if document.problems:
        raise InputError(document.problems)
    return keys, document.values


def _meant(values: Any, path: list[str]) -> Iterator[Keys]:
    """The places in the study that a path from the command line means."""
    if path[0] != "methods" or len(path) == 1:
        yield tuple(path)
        return
    entries = values.get("methods") if isinstance(values, Mapping) else None
    names: set[str] = set()
    found = False
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        name = entry if isinstance(entry, str) else next(iter(entry), "")
        inner = entry.get(name) if isinstance(entry, dict) else None
        own = inner.get("name") if isinstance(inner, dict) else None
        names |= {str(known) for known in (name, own) if known}
        if path[1] in (name, own):
            found = True
            yield ("methods", number, name, *path[2:])
    if not found:
        message = unknown("method of this study", path[1], names)
        raise InputError([Problem(f"--set {'.'.join(path)}", message)])


def _put(value: Any, keys: Keys, new: Any, text: str) -> Any:
    """A copy of the values with one of them replaced; mappings that are missing are made."""
    if not keys:
        return new
    key, *rest = keys
    if isinstance(key, int):
        item = value[key]
        inside = {item: None} if isinstance(item, str) else item  # `full` is `{full: {}}`
        return [*value[:key], _put(inside, tuple(rest), new, text), *value[key + 1 :]]
    if value is None:
        value = {}
    if not isinstance(value, dict):
        problem = f"'{key}' would stand inside a value that has no settings of its own."
        raise InputError([Problem(f"--set {text}", problem)])
    return {**value, key: _put(value.get(key), tuple(rest), new, text)}
