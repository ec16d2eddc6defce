"""The study with nothing left unsaid: every default is written out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from tunewise.core.canonical import JSONObject, Settings, settings_of
from tunewise.methods.base import Adaptation
from tunewise.studyfile.entries import OWN
from tunewise.studyfile.expand import names_steps
from tunewise.studyfile.search import RATE
from tunewise.studyfile.settings import MethodEntry, StudySettings
from tunewise.studyfile.values import name_of
from tunewise.training.settings import AUTO, STEPS, TrainingSettings


def resolved(study: StudySettings) -> JSONObject:
    """Plain values that read back as the same study, also after a default has changed.

    Sweeps and search stay as they are; a learning rate or a search left to the method is written
    as the numbers it means.
    """
    values = _mapping(study.given, "search")
    # The study's training settings, but those that each method has its own value or search for.
    given = {**_defaults(TrainingSettings), **_mapping(study.given, "training")}
    if given["learning_rate"] == AUTO:  # each method says it, or what it has instead
        given["learning_rate"] = None
    others = [
        {*entry.own, *_written(entry), *(() if entry.auto_rate else entry.searched("training"))}
        for entry in study.methods
        if entry.part.trained
    ]
    unread = set.intersection(*others) if others else set()
    return {
        "name": study.name,
        "task": {"kind": study.task.name, **settings_of(study.task)},
        "data": _named(settings_of(study.data)),
        "models": [str(model) for model in study.models],
        "methods": [_entry(study, entry) for entry in study.methods],
        "training": {
            name: given[name] for name in given if name not in unread or given[name] is None
        },
        "search": {key: value for key, value in values.items() if value != AUTO},
        "seeds": list(study.seeds),
        "budget": study.budget,
        "keep": study.keep,
        "accept_leakage": study.accept_leakage,
        "equivalence_margin": study.equivalence_margin,
        "memory_limit": study.memory_limit,
        "trackers": list(study.trackers),
        "require": _mapping(study.given, "require") or None,
        "slices": list(study.slices),
    }


def _entry(study: StudySettings, entry: MethodEntry) -> JSONObject:
    value: Any = study.given["methods"]
    if isinstance(value, list):
        value = value[int(entry.keys[1])]
    given = _mapping(value, entry.method) if isinstance(value, dict) else {}
    if entry.notes:  # a folder, written out as what it stands for
        own = {key: given[key] for key in OWN if key in given}
        tuned = entry.searched("training")
        trained = {
            key: values[0]
            for key, values in entry.training.items()
            if len(values) == 1 and key not in tuned
        }
        given = {**entry.first, **own, "training": {**trained, **_mapping(given, "training")}}
    part = entry.part
    tuned = entry.searched("method")
    usual = {key: value for key, value in _defaults(part).items() if key not in tuned}
    settings = {**usual, **given}
    if written := _written(entry):
        settings["training"] = {**_mapping(given, "training"), **written}
    return {entry.method: settings}


def _written(entry: MethodEntry) -> JSONObject:
    """What the study leaves to the method or to the model, as what it means for an entry."""
    part = entry.part
    if not issubclass(part, Adaptation):
        return {}
    written: JSONObject = {}
    if entry.auto_rate:
        written["learning_rate"] = AUTO
    elif "learning_rate" not in entry.training and RATE not in entry.search:
        written["learning_rate"] = part.default_rate(entry.first)
    if "optimizer" not in {*entry.training, *entry.searched("training")}:
        written["optimizer"] = STEPS if names_steps(entry) else AUTO
    return written


def _mapping(values: Any, key: str) -> JSONObject:
    """A part of the study as given; nothing at all is an empty one."""
    return dict(values.get(key) or {})


def _named(settings: Settings) -> JSONObject:
    return {
        name_of(key): _named(value) if isinstance(value, Mapping) else value
        for key, value in settings.items()
    }


def _defaults(part: type) -> JSONObject:
    return {
        name_of(field.name): list(field.default)
        if isinstance(field.default, tuple)
        else field.default
        for field in fields(part)
        if field.default is not MISSING
    }
