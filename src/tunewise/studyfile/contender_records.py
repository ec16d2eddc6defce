"""Contenders as the study folder keeps them: plain JSON, with what each trial's id is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunewise.core.canonical import changed_settings, settings_of
from tunewise.methods.base import METHODS
from tunewise.studyfile.expand import Contender, Expansion, Point
from tunewise.studyfile.settings import StudySettings
from tunewise.tasks.base import TASKS, Task
from tunewise.training.settings import TrainingSettings


@dataclass(frozen=True)
class Facts:
    """What is known once data and models have been found.

    `task` is what the data adds to the task's settings, such as the labels. `models` maps each
    model, as the study file has it, to its ``source``, ``revision`` and ``hash``.
    """

    data_hash: str
    task: Mapping[str, Any]
    models: Mapping[str, Mapping[str, Any]]


def contender_rows(
    study: StudySettings, expansion: Expansion, facts: Facts
) -> list[dict[str, Any]]:
    """The list ``contenders`` of ``study.json``."""
    return [
        {**_row(study.task, contender, facts), "own_training": _own_training(study, contender)}
        for contender in expansion.contenders
    ]


def task_settings(task: Task, found: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of the task, with what was found in the data, such as the labels."""
    return {"kind": task.name, **settings_of(task), **found}


def identity_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a trial's id is made from: its settings without those equal to their default.

    A new option therefore renames no old trial; a changed default must raise the version of its
    class. A model counts by its content, not by where it lies.
    """
    task = {key: value for key, value in settings["task"].items() if key != "kind"}
    asked = TASKS.build(settings["task"]["kind"], task)
    model, limit = settings["model"], settings.get("max_length")
    method = METHODS.build(settings["method"]["name"], settings["method"]["settings"])
    return {
        "task": {"kind": asked.name, "version": asked.version, **changed_settings(asked)},
        "data": settings["data"],
        "model": model and {key: model[key] for key in ("hash", "reads") if key in model},
        "method": {**settings["method"], "settings": changed_settings(method)},
        "training": settings["training"] and _training_identity(settings["training"]),
        **({} if limit is None else {"max_length": limit}),
    }


def _training_identity(training: Mapping[str, Any]) -> dict[str, Any]:
    changed = changed_settings(TrainingSettings(**training))
    return {"version": TrainingSettings.version, **changed}


def _row(task: Task, contender: Contender, facts: Facts) -> dict[str, Any]:
    model = None if contender.model is None else str(contender.model)
    common = {
        "task": task_settings(task, facts.task),
        "data": {"hash": facts.data_hash},
        "model": None if model is None else dict(facts.models[model]),
    }
    # Its batch size is found before the study runs.
    auto = {"auto_batch": True} if contender.entry.auto_batch and contender.trained else {}
    return {
        "name": contender.name,
        "model": model,
        "method": contender.method.name,
        "settings": contender.settings(),
        "seeded": contender.method.seeded,
        "trained": contender.trained,
        **auto,
        "search": list(contender.points[0].chosen),  # paths, as in each point
        "points": [_point(common, point) for point in contender.points],
        "parameters": None,  # counted once a model has been built
        "features": None,  # the key of stored features, where a trunk is frozen
    }


def _own_training(study: StudySettings, contender: Contender) -> list[str]:
    """The training settings that the contender's own entry gives, for the fairness lint."""
    given: Any = study.given["methods"]
    for key in contender.entry.keys[1:]:
        given = None if isinstance(given, str) else given[key]
    return list((given or {}).get("training") or {})


def _point(common: Mapping[str, Any], point: Point) -> dict[str, Any]:
    settings = {**common, **point.settings()}
    return {
        "point": dict(point.chosen),
        "settings": settings,
        "identity": identity_of(settings),
    }
