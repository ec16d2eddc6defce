"""What is handed on names no machine: of a path on it no more than the end, and no host.

A report, a paper, a card and what is handed in are read by others. Where a model or a file of
data lay, who was logged in and what the machine is called is nobody's business but the user's;
the study's own folder keeps it, because going on needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from tunewise.core.paths import tails
from tunewise.store.json_record import JSONRecord

PAIR = " + "  # between the two encoders of one model
# Words of the data and of the user, which stay as they are, and what ids are made from.
KEPT = ("identity", "task", "labels", "label_counts", "name", "hash")
HOST = "host"
_ROOT = r"(?:~[\w.-]*/|/|[A-Za-z]:[\\/])"
_WHOLE = re.compile(rf"{_ROOT}[^\n]*")
_PART = r"[^\s\\/'\"`<>|:;,()\[\]{}]+"
_INSIDE = re.compile(rf"(?<![\w.:/\\~-]){_ROOT}(?:{_PART}[\\/])+({_PART})?")


R = TypeVar("R", bound=JSONRecord)


class Places:
    """The paths and hosts of a study, each with what stands for it in whatever is handed on."""

    def __init__(self, values: Iterable[Any] = ()) -> None:
        values = list(values)
        self.paths = tails(path for value in values for path in _paths(value))
        told = [value[HOST] for value in values if isinstance(value, Mapping) and value.get(HOST)]
        hosts = sorted(set(map(str, told)))
        self.hosts = {host: f"machine {number}" for number, host in enumerate(hosts, start=1)}

    def public(self, value: Any) -> Any:
        """A value of ``study.json``, or of a trial's files, as others may see it."""
        if isinstance(value, Mapping):
            found = {}
            for key, item in value.items():
                shown = item
                if key not in KEPT:
                    shown = self.hosts.get(str(item), item) if key == HOST else self.public(item)
                found[self._known(key)] = shown
            return found
        if isinstance(value, (list, tuple)):
            return [self.public(item) for item in value]
        return self.text(self._known(value)) if isinstance(value, str) else value

    def record(self, record: R) -> R:
        """A record of the store as others may see it."""
        return type(record).from_json(self.public(record.as_json()))

    def text(self, text: str) -> str:
        """A text with the ends of the paths in it, such as an error's."""
        for path in sorted(self.paths, key=len, reverse=True):
            text = text.replace(path, self.paths[path])
        return _INSIDE.sub(lambda found: found[1] or "…", text)

    def study_file(self, text: str) -> str:
        """The study file, in which what it reads from lies beside it."""
        for path in sorted(self.paths, key=len, reverse=True):
            text = text.replace(path, f"./{self.paths[path]}")
        return _INSIDE.sub(lambda found: f"./{found[1] or ''}", text)

    def _known(self, text: str) -> str:
        return PAIR.join(self.paths.get(part, part) for part in text.split(PAIR))


def _paths(value: Any) -> Iterator[str]:
    """Every path from the root that is a value, or a key, by itself."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _paths(key)
            yield from () if key in KEPT else _paths(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _paths(item)
    elif isinstance(value, str):
        yield from (part for part in value.split(PAIR) if _WHOLE.fullmatch(part))
