"""A study file's plain values, each with the place it stands at."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewise.core.errors import InputError, Problem, cut

DEEPEST = 20
LARGEST = 2**63  # whole numbers beyond 64 bits are no setting

_NOWHERE: Any = object()

Keys = tuple[str | int, ...]
"""The way to a value: keys of mappings and positions in lists."""


@dataclass(frozen=True)
class Document:
    """Plain values (mappings, lists, text, numbers, truth values, null) and where they stand.

    `lines` knows the line of each value that came from a file; `overridden` the places of values
    that came from the command line.
    """

    values: Any
    name: str = ""
    lines: Mapping[Keys, int] = field(default_factory=dict)
    overridden: Mapping[Keys, str] = field(default_factory=dict)
    base: Path = Path()  # the folder that relative paths start from
    text: str | None = None  # as the file had it
    problems: tuple[Problem, ...] = ()  # what was wrong already when it was read

    def place(self, keys: Keys) -> str:
        """Where a value stands, for messages: its file and line, and its path in the study.

        >>> Document({}, "study.yaml", {("training",): 7}).place(("training", "epochs"))
        'study.yaml:7 training.epochs'
        """
        path = dotted(keys)
        for length in range(len(keys), -1, -1):
            if keys[:length] in self.overridden:
                return self.overridden[keys[:length]]
            if keys[:length] in self.lines:
                return f"{self.name}:{self.lines[keys[:length]]} {path}".rstrip()
        return f"{self.name} {path}".strip()

    def line(self, keys: Keys) -> int:
        """The line of a value or of what holds it; 0 where it came from no file."""
        lengths = range(len(keys), -1, -1)
        return next((self.lines[keys[:n]] for n in lengths if keys[:n] in self.lines), 0)

    def holds(self, keys: Keys) -> bool:
        """Whether there is a value at this path, or nothing written out, as in ``epochs:``."""
        return self._at(keys, lacking=_NOWHERE) is not _NOWHERE

    def says(self, keys: Keys) -> bool:
        """Whether there is a value at this path that says something."""
        return self._at(keys, lacking=None) is not None

    def _at(self, keys: Keys, *, lacking: Any) -> Any:
        value = self.values
        for key in keys:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return lacking
        return value


def dotted(keys: Keys) -> str:
    """The path as a person writes it; a position in a list is left out where a name follows.

    >>> dotted(("methods", 2, "lora", "rank")), dotted(("seeds", 1))
    ('methods.lora.rank', 'seeds[1]')
    """
    parts: list[str] = []
    for number, key in enumerate(keys):
        if isinstance(key, str):
            parts.append(f".{cut(key)}" if parts else cut(key))
        elif not (number + 1 < len(keys) and isinstance(keys[number + 1], str)):
            parts.append(f"[{key}]")
    return "".join(parts)


def read_values(values: Any, *, base: Path = Path()) -> Document:
    """A study given as Python values instead of a file. Paths become text, tuples lists."""
    document = Document(_plain(values, 0), base=base)
    problems = doubtful(document)
    if problems:
        raise InputError(problems)
    return document


def doubtful(document: Document) -> list[Problem]:
    """Values that no study file can mean: deep nesting, odd keys, NaN, text that is no Unicode."""
    return [Problem(document.place(keys), words) for keys, words in _doubts(document.values, ())]


def _doubts(value: Any, keys: Keys) -> Iterator[tuple[Keys, str]]:
    if len(keys) > DEEPEST:
        yield keys[:1], f"nested more than {DEEPEST} deep: this is no study file."
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                yield keys, f"the key {key!r:.80} is not text: every key is a name."
            elif not _is_unicode(key):
                yield keys, f"the key {key!r:.80} holds a character that is no Unicode text."
            else:
                yield from _doubts(item, (*keys, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _doubts(item, (*keys, number))
    elif isinstance(value, str) and not _is_unicode(value):
        yield keys, f"found {value!r:.80}: holds a character that is no Unicode text."
    elif isinstance(value, float) and not math.isfinite(value):
        yield keys, f"found {value}: a finite number is right here."
    elif isinstance(value, int) and abs(value) >= LARGEST:
        yield keys, "found a whole number of more than 64 bits."
    elif value is not None and not isinstance(value, (str, float, int)):
        kind = type(value).__name__
        yield keys, f"found {kind}: plain text, numbers, lists and mappings only."


def _is_unicode(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _plain(value: Any, depth: int) -> Any:
    if depth > DEEPEST + 1:  # reported by `doubtful`; values may contain themselves
        return None
    if isinstance(value, Mapping):
        return {key: _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    return str(value) if isinstance(value, Path) else value
