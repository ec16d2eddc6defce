"""Reading YAML 1.2 into plain values that remember their lines, with every doubt refused.

ruamel.yaml splits the text into events; the values are built here, because its own reader stops
at the first duplicate key, forgets where things stood, and follows aliases without a limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from tunewise.core.errors import InputError, Problem, cut
from tunewise.studyfile import mistaken
from tunewise.studyfile.document import DEEPEST, Document, Keys, dotted, doubtful

MOST_BYTES = 1_000_000
MOST_VALUES = 20_000  # a study file has dozens; ruamel's time grows with the square of nesting

Node = AliasEvent | ScalarEvent | SequenceStartEvent | MappingStartEvent

# The core schema of YAML 1.2, section 10.3.2.
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,19}")
_OTHER_BASE = re.compile(r"0o[0-7]{1,21}|0x[0-9a-fA-F]{1,16}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

_IN_OTHER_WORDS = {
    "found character '\\t' that cannot start any token": (
        "a tab stands in the indentation: YAML is indented with spaces"
    ),
    "mapping values are not allowed here": (
        "a second ': ' in one line, or a wrong indentation: text with ': ' needs quotes"
    ),
    "could not find expected ':'": "a key without a colon, or a wrong indentation",
    "did not find expected key": "a wrong indentation, or a bracket or quote left open",
}


def read_file(path: Path) -> Document:
    """The values of a YAML file.

    Raises:
        InputError: the file is missing, too large, not UTF-8 or not YAML. What can be reported
            along with the study's other mistakes, such as duplicate keys, is in
            `Document.problems`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError(f"{path}: {mistaken.instead_of(path)}") from error
    except (OSError, ValueError) as error:  # the second for a NUL in its name
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read ({reason}).") from error
    if words := mistaken.by_bytes(path, content):
        raise InputError(f"{path}: {words}")
    if len(content) > MOST_BYTES:
        raise InputError(f"{path}: more than {MOST_BYTES:,} bytes: this is no study file.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path}:{line}: byte {error.start} is not UTF-8. Save the file as UTF-8."
        ) from error
    if words := mistaken.by_text(path, text):
        raise InputError(f"{path}: {words}")
    document = read_text(text, name=path.name, base=path.parent)
    if words := mistaken.by_values(path, document.values):
        raise InputError(f"{path}: {words}")
    return document


def read_text(text: str, *, name: str, base: Path = Path()) -> Document:
    """The values of a YAML text; `name` stands in front of the lines in messages."""
    builder = _Builder(name)
    try:
        values = builder.document(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or error.context)
        words = _IN_OTHER_WORDS.get(problem, f"not readable as YAML: {problem}")
        place = f"{name}:{mark.line + 1}" if mark else name
        raise InputError([Problem(place, f"{words}.")]) from error
    except (YAMLError, ValueError) as error:  # characters that YAML forbids
        raise InputError([Problem(name, f"not readable as YAML: {error}.")]) from error
    found = tuple(builder.problems)
    document = Document(values, name, builder.lines, base=base, text=text, problems=found)
    if doubts := doubtful(document):
        raise InputError([*found, *doubts])
    return document


class _Builder:
    """Builds the values of one document from its events."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Keys, int] = {}
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Any, int]] = {}  # the value and how many values it holds
        self.count = 0

    def document(self, events: Iterator[Any]) -> Any:
        self.events = events
        value: Any = None
        documents = 0
        for event in events:
            if isinstance(event, StreamEndEvent):
                break
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.wrong(event, "a second document starts here: one study, one document.")
                    break
            elif isinstance(event, (ScalarEvent, MappingStartEvent, SequenceStartEvent)):
                value = self.value(event, ())
        return value

    def value(self, event: Node, keys: Keys) -> Any:
        self.lines[keys] = event.start_mark.line + 1
        before = self.count
        self.count += 1
        if len(keys) > DEEPEST or self.count > MOST_VALUES:
            self.stop(event, f"over {DEEPEST} levels or {MOST_VALUES:,} values are no study file.")
        if isinstance(event, AliasEvent):
            return self.alias(event)
        if event.tag is not None:
            self.wrong(event, f"the tag {event.tag}: a study file holds plain values only.")
        if isinstance(event, ScalarEvent):
            value = scalar(event.value) if event.implicit[0] else str(event.value)
        elif isinstance(event, SequenceStartEvent):
            value = self.sequence(keys)
        else:
            value = self.mapping(keys)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, self.count - before)
        return value

    def alias(self, event: AliasEvent) -> Any:
        if event.anchor not in self.anchors:
            self.wrong(event, f"*{event.anchor} stands for nothing that was named before it.")
            return None
        value, size = self.anchors[event.anchor]
        self.count += size
        if self.count > MOST_VALUES:
            self.stop(event, f"with its aliases, more than {MOST_VALUES:,} values.")
        return value

    def sequence(self, keys: Keys) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            items.append(self.value(event, (*keys, len(items))))
        return items

    def mapping(self, keys: Keys) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                self.stop(event, "a key is a name, not a list, a mapping or an alias.")
            key = str(event.value)
            line = event.start_mark.line + 1
            if key in values:
                first = self.lines[(*keys, key)]
                self.wrong(
                    event, f"the key '{cut(key)}' stands twice: here and on line {first}.", keys
                )
                self.value(next(self.events), (*keys, key))
                self.lines[(*keys, key)] = first
                continue
            values[key] = self.value(next(self.events), (*keys, key))
            self.lines[(*keys, key)] = line
        return values

    def wrong(self, event: Event, message: str, keys: Keys = ()) -> None:
        place = f"{self.name}:{event.start_mark.line + 1} {dotted(keys)}".rstrip()
        self.problems.append(Problem(place, message))

    def stop(self, event: Event, message: str) -> None:
        self.wrong(event, message)
        raise InputError(self.problems)


def scalar(text: str) -> Any:
    """What a word without quotes means in YAML 1.2.

    >>> [scalar(word) for word in ("no", "1e-4", "010", "0x10", "12:30", "true", "")]
    ['no', 0.0001, 10, 16, '12:30', True, None]
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", "").lower())
    return text
