"""What sets rows apart: the settings in which they differ, and the command that repeats each."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewise.core.canonical import JSONObject, Settings
from tunewise.core.sanitize import shown
from tunewise.reports.facts.comparability.finding import value_words
from tunewise.reports.facts.evidence import Contender, Evidence

ABSENT = "–"
LONGEST_NAME = 80  # of a contender, in a study file


@dataclass(frozen=True)
class Setting:
    """A setting in which rows differ: each row's value in words, and whether the search chose it.

    A row that has no such setting has "–".
    """

    path: str
    values: Mapping[str, str]
    searched: Mapping[str, bool]


def settings_apart(evidence: Evidence) -> list[Setting]:
    """Every setting of model, method and training in which at least two rows differ."""
    flat = {contender.name: flat_settings(contender) for contender in evidence.contenders}
    return [
        Setting(
            path,
            {
                name: value_words(values[path]) if path in values else ABSENT
                for name, values in flat.items()
            },
            {contender.name: path in contender.searched for contender in evidence.contenders},
        )
        for path in differing(list(flat.values()))
    ]


def flat_settings(contender: Contender) -> JSONObject:
    """Model, method and training of a contender at its chosen point, each setting by its path."""
    return _flat(
        {
            "model": contender.model,
            "method": {"name": contender.method, **contender.centre.settings.method.settings},
            "training": contender.training,
        }
    )


def differing(rows: Sequence[Settings]) -> list[str]:
    """The paths that have not one value in all rows; to have no such setting is like None.

    >>> differing([{"a": 1, "b": 2, "c": None}, {"a": 1, "b": 3}])
    ['b']
    """
    paths = dict.fromkeys(path for row in rows for path in row)
    return [path for path in paths if any(row.get(path) != rows[0].get(path) for row in rows)]


def _flat(values: Any, prefix: str = "") -> JSONObject:
    """Nested settings as one line each; an empty group has none."""
    if not isinstance(values, dict):
        return {prefix: values}
    lines: JSONObject = {}
    for key, value in values.items():
        lines |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return lines


@dataclass(frozen=True)
class Command:
    """The command that trains one row again, with the trial of every seed."""

    name: str
    position: int
    text: str


def commands(evidence: Evidence) -> list[Command]:
    """For every contender, the study file with all but this row overridden away.

    The chosen point's values stand in place of the search, so that each trial of the row is
    trained once, under the very id it has in this study.
    """
    return [
        Command(contender.name, contender.position, _command(evidence, contender))
        for contender in evidence.contenders
    ]


def _command(evidence: Evidence, contender: Contender) -> str:
    method = contender.centre.settings.method
    own = {_study_name(key): value for key, value in method.settings.items()}
    if contender.name.isprintable() and 0 < len(contender.name) <= LONGEST_NAME:
        own["name"] = contender.name
    sets: JSONObject = {
        "methods": [{method.name or contender.method: own}],
        "models": [contender.model] if contender.model else [],
        "search": {},
        "seeds": list(evidence.study.seeds),
    }
    if contender.training:
        sets["training"] = contender.training
    words = ["tunewise", "run", "study.yaml", "--out", f"runs/{_folder(evidence, contender)}"]
    for key, value in sets.items():
        words += ["--set", f"{key}={_yaml(value)}"]
    return shlex.join(words)


def _folder(evidence: Evidence, contender: Contender) -> str:
    """A folder's name from names that may hold anything."""
    text = f"{shown(evidence.name)}-{contender.position + 1}-{shown(contender.name)}"
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:60] or "row"


def _study_name(field: str) -> str:
    """What a stored setting is called in a study file; Python's words end in an underscore."""
    return field.removesuffix("_")


def _yaml(value: Any) -> str:
    """A value as YAML on one line; JSON is YAML. Signs that would act in a terminal are escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)
