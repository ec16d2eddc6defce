"""What sets rows apart: the settings in which they differ, and the command that repeats each."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunewise.reports.evidence import Contender, Evidence
from tunewise.reports.finding import value_words
from tunewise.reports.plain import shown

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
    if len(evidence.contenders) < 2:
        return []
    flat = {contender.name: _flat(contender) for contender in evidence.contenders}
    found = []
    for path in dict.fromkeys(path for values in flat.values() for path in values):
        words = {
            name: value_words(values[path]) if path in values else ABSENT
            for name, values in flat.items()
        }
        if len(set(words.values())) > 1:
            searched = {c.name: path in c.searched for c in evidence.contenders}
            found.append(Setting(path, words, searched))
    return found


def _flat(contender: Contender) -> dict[str, Any]:
    settings = contender.centre.settings
    method = settings.get("method") or {}
    return {
        "model": contender.model,
        "method": contender.method,
        **{f"method.{key}": value for key, value in (method.get("settings") or {}).items()},
        **{f"training.{key}": value for key, value in contender.training.items()},
    }


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
    method = contender.centre.settings.get("method") or {"name": contender.method}
    own = {_study_name(key): value for key, value in (method.get("settings") or {}).items()}
    if contender.name.isprintable() and 0 < len(contender.name) <= LONGEST_NAME:
        own["name"] = contender.name
    sets: dict[str, Any] = {
        "methods": [{method["name"]: own}],
        "models": [contender.model] if contender.model else [],
        "search": {},
        "seeds": list(evidence.study["seeds"]),
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
