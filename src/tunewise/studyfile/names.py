"""Names that a study file may use, section by section, and what to say of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from tunewise.core.errors import unknown
from tunewise.data.settings import DataSettings
from tunewise.studyfile.aliases import ours
from tunewise.studyfile.document import Keys
from tunewise.studyfile.settings import StudyOptions
from tunewise.studyfile.values import Reader, types_of
from tunewise.tasks.base import TASKS
from tunewise.training.settings import TrainingSettings

PARTS = ("task", "data", "models", "methods", "training", "search")
TOP = [*types_of(StudyOptions), *PARTS]


def known_only(
    reader: Reader,
    values: Mapping[str, Any],
    keys: Keys,
    *,
    kind: str,
    known: Iterable[str],
    section: str | None = None,
) -> dict[str, Any]:
    """The values whose names exist; each other name is reported with what would be right.

    `kind` is what the settings belong to, in the words of the message. `section` is where they
    stand: ``""`` (the top), ``task``, ``data``, ``training``, ``method``, or None for a mapping
    inside one of these.
    """
    known = list(known)
    for key in values:
        if key in known:
            continue
        message = unknown(f"setting of {kind}", key, known)
        if section is not None and key in (there := _places(section)):
            message = f"'{key}' is no setting of {kind}: it stands {there[key]}."
        elif section is not None:
            message = ours(key, section, known) or message
        reader.wrong((*keys, key), message)
    return {key: value for key, value in values.items() if key in known}


@cache
def _places(section: str) -> dict[str, str]:
    """Where the names of all other sections stand."""
    tasks = [name for task in TASKS.classes.values() for name in types_of(task)]
    sections: dict[str, Iterable[str]] = {
        "data": types_of(DataSettings),
        "task": ["kind", *tasks],
        "training": types_of(TrainingSettings),
        "": TOP,
    }
    return {
        name: f"under '{other}'" if other else "at the top of the study"
        for other, names in sections.items()
        if other != section
        for name in names
    }
