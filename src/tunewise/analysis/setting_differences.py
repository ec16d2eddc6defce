"""What sets rows apart: the settings in which they differ, and the command that repeats each."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewise.analysis.evidence import Contender, Evidence
from tunewise.analysis.wording import value_words
from tunewise.core.canonical import JSONObject, Settings
from tunewise.core.sanitize import shown

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
    rows = {name: flat_settings(contender) for name, contender in evidence.by_name.items()}
    return [
        Setting(
            path,
            {name: value_words(row[path]) if path in row else ABSENT for name, row in rows.items()},
            {name: path in contender.searched for name, contender in evidence.by_name.items()},
        )
        for path in differing(list(rows.values()))
    ]


def flat_settings(contender: Contender) -> JSONObject:
    """Model, method and training of a contender at its chosen point, each setting by its path."""
    return flat(
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


def flat(values: Any, prefix: str = "") -> JSONObject:
    """Nested values as one line each, by their paths; an empty group has none.

    >>> flat({"a": {"b": 1, "c": {}}, "d": [2]})
    {'a.b': 1, 'd': [2]}
    """
    if not isinstance(values, dict):
        return {prefix: values}
    lines: JSONObject = {}
    for key, value in values.items():
        lines |= flat(value, f"{prefix}.{key}" if prefix else str(key))
    return lines


def command(evidence: Evidence, contender: Contender) -> str:
    """The command that trains one row again: the study file with all else overridden away.

    The chosen point's values stand in place of the search, so that each trial of the row is
    trained once, under the very id it has in this study.
    """
    method = contender.centre.settings.method
    # In a study file Python's words stand without the underscore that ends them here.
    own = {key.removesuffix("_"): value for key, value in method.settings.items()}
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
    # A folder's name from names that may hold anything.
    called = f"{shown(evidence.name)}-{contender.position + 1}-{shown(contender.name)}"
    folder = re.sub(r"[^A-Za-z0-9]+", "-", called).strip("-")[:60] or "row"
    words = ["tunewise", "run", "study.yaml", "--out", f"runs/{folder}"]
    for key, value in sets.items():
        text = json.dumps(value, ensure_ascii=False)  # as YAML on one line; JSON is YAML
        if not text.isprintable():  # signs that would act in a terminal are escaped
            text = json.dumps(value)
        words += ["--set", f"{key}={text}"]
    return shlex.join(words)
