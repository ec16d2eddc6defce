"""The study file as a JSON Schema, for editors: names, types, choices and what they mean.

The schema is written to ``study.schema.json`` by ``python -m tunewise.studyfile.schema``, so that
printing it needs no torch. Ranges, and what only clashes together, are for `tunewise validate`.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tunewise.core.canonical import OPEN, open_field
from tunewise.core.settings import MEANING
from tunewise.data.settings import DataSettings
from tunewise.methods.base import METHODS, Method
from tunewise.studyfile.entries import FOUND
from tunewise.studyfile.settings import StudyOptions
from tunewise.studyfile.values import element, is_list, name_of, options, types_of
from tunewise.tasks.base import TASKS
from tunewise.training.settings import AUTO, TrainingSettings

PATH = Path(__file__).with_name("study.schema.json")
DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]
MODEL: Schema = {"type": "string"}


def study_schema() -> Schema:
    """The schema of a study file, draft 2020-12, with the methods and tasks that are known."""
    top = _part(StudyOptions, sweeps=False)
    training = {**_part(TrainingSettings, sweeps=True), "type": ["object", "null"]}
    for key in FOUND:
        training["properties"][key]["anyOf"].append({"const": AUTO})
    tasks = []
    for name, task in TASKS.classes.items():
        schema = _part(task, sweeps=False)
        schema["properties"] = {"kind": {"const": name}, **schema["properties"]}
        schema["required"] = ["kind", *schema.get("required", [])]
        tasks.append(schema)
    return {
        "$schema": DIALECT,
        "title": "A Tunewise study",
        "description": "A model, data and a task, and the ways of adapting that are compared.",
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "task", "data", "methods"],
        "properties": {
            **top["properties"],
            "task": {"oneOf": tasks},
            "data": _part(DataSettings, sweeps=False),
            "models": {
                "description": "Hub ids (name@revision), folders, or embedded:encoder.",
                **_one_or_several(MODEL),
            },
            "methods": _methods(),
            "training": {"$ref": "#/$defs/training"},
            "search": _search(),
        },
        "$defs": {"training": training},
    }


def _methods() -> Schema:
    entries = [_method(name, part) for name, part in METHODS.classes.items()]
    return {
        "description": "Ways of adapting; a list in a setting makes a contender of each value.",
        "anyOf": [
            {"enum": list(METHODS.classes)},
            {
                "type": "array",
                "minItems": 1,
                "items": {"oneOf": [{"enum": list(METHODS.classes)}, *entries]},
            },
        ],
    }


def _method(name: str, part: type[Method]) -> Schema:
    settings = _part(part, sweeps=True)
    if open_field(part) is not None:  # settings of a library's own, and what stands for them
        settings |= {"additionalProperties": True, "required": []}
    settings["properties"]["name"] = {
        "type": "string",
        "description": "What this contender is called in tables.",
    }
    if part.uses_model:
        settings["properties"]["model"] = {
            "description": "Models of this method alone, in the place of the study's.",
            **_one_or_several(MODEL),
        }
    if part.trained:
        settings["properties"]["training"] = {
            "$ref": "#/$defs/training",
            "description": "Training settings of this method alone, laid over the study's.",
        }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name],
        "properties": {name: {**settings, "type": ["object", "null"]}},
    }


def _search() -> Schema:
    kinds: dict[str, Any] = {}
    parts: dict[str, type] = {"training": TrainingSettings, **METHODS.classes}
    for section, part in parts.items():
        for name, kind in types_of(part).items():
            if name in getattr(part, "one_value", ()):
                continue
            kinds.setdefault(name, kind)
            kinds[f"{section}.{name}"] = kind
    properties: dict[str, Schema] = {}
    for name, kind in kinds.items():
        values: Schema = {"type": "array", "minItems": 1, "items": _type(kind)}
        ways: list[Schema] = [values, {"type": "object", "additionalProperties": values}]
        if name.endswith("learning_rate"):
            ways.append({"const": AUTO})
        properties[name] = {"anyOf": ways}
    return {
        "description": "Values tuned away on validation, equally many for each method.",
        "type": ["object", "null"],
        # A method with open settings may have any name to search.
        "additionalProperties": {"type": ["array", "object"]},
        "properties": properties,
    }


def _part(part: type, *, sweeps: bool) -> Schema:
    """The settings of a dataclass, described by its docstring and the meanings of its fields."""
    types = types_of(part)
    properties: dict[str, Schema] = {}
    needed: list[str] = []
    for field in fields(part):
        if field.metadata.get(OPEN):
            continue
        name = name_of(field.name)
        once = name in getattr(part, "one_value", ())
        schema = _single(types[name])
        if sweeps and not once:
            ways = schema["anyOf"] if set(schema) == {"anyOf"} else [schema]
            several = {"type": "array", "minItems": 1, "items": _type(types[name])}
            schema = {"anyOf": [*ways, several]}
        if meaning := field.metadata.get(MEANING):
            schema["description"] = meaning
        if field.default is MISSING:
            needed.append(name)
        else:
            is_tuple = isinstance(field.default, tuple)
            schema["default"] = list(field.default) if is_tuple else field.default
        properties[name] = schema
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    if needed:
        schema["required"] = needed
    if described := inspect.cleandoc(part.__doc__ or "").partition("\n\n")[0]:
        schema["description"] = described.replace("\n", " ")
    return schema


def _single(kind: Any) -> Schema:
    """One value; for a list setting also the single value that stands for a list of one."""
    nested = [option for option in options(kind) if is_dataclass(option)]
    if nested:
        return {"anyOf": [_part(nested[0], sweeps=False), {"type": "null"}]}  # type: ignore[arg-type]  # a class, not an instance
    return {"anyOf": [_type(element(kind)), _type(kind)]} if is_list(kind) else _type(kind)


def _one_or_several(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "array", "items": schema}]}


def _type(kind: Any) -> Schema:
    return TypeAdapter(kind).json_schema()


def text() -> str:
    """The schema as the file has it."""
    return json.dumps(study_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
