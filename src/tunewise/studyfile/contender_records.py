"""Contenders as the study folder keeps them, with what each trial's id is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tunewise.core.canonical import JSONObject, Settings, changed_settings, settings_of
from tunewise.methods.base import METHODS
from tunewise.store.records import (
    ContenderRecord,
    DataReference,
    ModelRecord,
    PointRecord,
    TrialSettings,
)
from tunewise.studyfile.expand import Expansion, PlannedContender
from tunewise.studyfile.settings import StudySettings
from tunewise.tasks.base import TASKS, Task
from tunewise.training.settings import STEPS, TrainingSettings


@dataclass(frozen=True)
class Facts:
    """What is known once data and models have been found.

    `task` is what the data adds to the task's settings, such as the labels. `models` maps each
    model, as the study file has it, to where it was found, `tasks` to the task as it is asked that
    model, where it differs from the study file's, and `solved` to the settings of that
    which a solved head is asked.
    """

    data_hash: str
    task: Settings
    models: Mapping[str, ModelRecord]
    tasks: Mapping[str, Task] = field(default_factory=dict)
    solved: Mapping[str, JSONObject] = field(default_factory=dict)


def contender_records(
    study: StudySettings, expansion: Expansion, facts: Facts
) -> list[ContenderRecord]:
    """The ``contenders`` of ``study.json``, before their models have been built."""
    return [_record(study, contender, facts) for contender in expansion.contenders]


def task_settings(task: Task, found: Settings) -> JSONObject:
    """Every setting of the task, with what was found in the data, such as the labels."""
    return {"kind": task.name, **settings_of(task), **found}


def identity_of(settings: TrialSettings) -> JSONObject:
    """What a trial's id is made from: its settings without those equal to their default.

    A new option therefore renames no old trial; a changed default must raise the version of its
    class. A model counts by its content, not by where it lies.
    """
    task = {key: value for key, value in settings.task.items() if key != "kind"}
    asked = TASKS.build(settings.task["kind"], task)
    chosen, model, limit = settings.method, settings.model, settings.max_length
    training = settings.training
    if training:
        changed = changed_settings(TrainingSettings(**training))
        if changed.get("optimizer") == STEPS:
            del changed["optimizer"]  # what auto is for all that takes steps
        if changed.get("devices") == 1:
            del changed["devices"]  # what auto is where one suffices
        training = {"version": TrainingSettings.version, **changed}
    method = METHODS.build(chosen.name, chosen.settings)
    reads = {} if model is None or model.reads is None else {"reads": model.reads}
    return {
        "task": {"kind": asked.name, "version": asked.version, **changed_settings(asked)},
        "data": settings.data.as_json(),
        "model": model and {"hash": model.hash, **reads},
        "method": {**chosen.as_json(), "settings": changed_settings(method)},
        "training": training,
        **({} if limit is None else {"max_length": limit}),
    }


def _record(study: StudySettings, contender: PlannedContender, facts: Facts) -> ContenderRecord:
    model = None if contender.model is None else str(contender.model)
    task = study.task if model is None else facts.tasks.get(model, study.task)
    points = []
    for point in contender.points:
        settings = replace(
            point.settings(),
            task=task_settings(task, facts.task),
            data=DataReference(facts.data_hash),
            model=None if model is None else facts.models[model],
        )
        points.append(PointRecord(dict(point.chosen), settings, identity_of(settings)))
    given: Any = study.given["methods"]
    for key in contender.entry.keys[1:]:
        given = None if isinstance(given, str) else given[key]
    return ContenderRecord(
        name=contender.name,
        model=model,
        method=contender.method.name,
        settings=contender.settings(),
        seeded=contender.method.seeded,
        trained=contender.trained,
        auto_batch=contender.entry.auto_batch and contender.trained,
        search=tuple(contender.points[0].chosen),
        points=tuple(points),
        own_training=tuple((given or {}).get("training") or {}),
        rates=contender.rates,
        spoken=contender.method.spoken,
        constant=contender.method.constant,
        reads_only=contender.method.reads_only,
    )
