"""A study's finished trials in the form that every tracker takes: settings, curves, a summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tunewise.analysis.evidence import Contender, Trial
from tunewise.analysis.gather import gather
from tunewise.core.canonical import JSONObject, Settings
from tunewise.store.log import Event, read_log
from tunewise.store.study import StudyFolder
from tunewise.store.trials import LOG, RESULT

STEP = {"loss": "train/loss", "learning_rate": "train/learning_rate"} | {
    "gradient_norm": "train/gradient_norm"
}
EPOCH = {"train_loss": "train/epoch_loss", "train_accuracy": "train/epoch_accuracy"}


@dataclass(frozen=True)
class Reading:
    """Metrics at a step of a training. `seconds` are since its start."""

    step: int
    seconds: float
    values: dict[str, float]


@dataclass(frozen=True)
class Run:
    """One trial. Losses are in nats, rates are fractions, `started` seconds since 1970."""

    id: str
    name: str  # contender, search point and seed, for people
    contender: str
    status: str
    started: float
    seconds: float
    settings: dict[str, str | int | float | bool]  # flat, keys with dots
    tags: dict[str, str]
    points: tuple[Reading, ...]
    summary: dict[str, float]  # final scores, and what was measured


def runs_of(folder: StudyFolder) -> list[Run]:
    """Every finished trial of a study, those that failed included, in the study's order."""
    return [
        _run(contender, point.values, trial)
        for contender in gather(folder).contenders
        for point in contender.points
        for trial in point.trials
    ]


def _run(contender: Contender, point: Settings, trial: Trial) -> Run:
    record = trial.record
    chosen = [f"{key.rpartition('.')[2]}={value}" for key, value in point.items()]
    log, started = read_log(record.folder / LOG), record.costs.started
    return Run(
        id=record.id,
        name=" ".join([contender.name, *chosen, f"seed={trial.seed}"]),
        contender=contender.name,
        status=record.status,
        started=datetime.fromisoformat(started).timestamp()
        if started
        else (record.folder / RESULT).stat().st_mtime,  # when it ended, for one that could not say
        seconds=record.costs.total_seconds or 0.0,
        settings=dict(_flat(record.result.settings.as_json())),
        tags={
            "tunewise.trial": record.id,
            "tunewise.contender": contender.name,
            "tunewise.method": contender.method,
            "tunewise.model": contender.model or "",
            "tunewise.status": record.status,
        },
        points=tuple(place for event in log if (place := _reading(event)).values),
        summary=_summary(trial),
    )


def _reading(event: Event) -> Reading:
    values: JSONObject = {}
    if event["event"] == "step":
        values = {name: event.get(key) for key, name in STEP.items()}
    elif event["event"] == "evaluation":
        values = {name: event.get(key) for key, name in EPOCH.items()}
        values |= {f"validation/{name}": v for name, v in event.get("validation", {}).items()}
    known = {name: float(value) for name, value in values.items() if value is not None}
    return Reading(int(event.get("step", 0)), float(event.get("seconds", 0.0)), known)


def _summary(trial: Trial) -> dict[str, float]:
    """The scores of the epoch that counts, the test's where it was opened, and the costs."""
    record = trial.record
    found: JSONObject = {
        f"final/{split}_{name}": value
        for split in ("validation", "test")
        for name, value in trial.metrics(split).items()
    }
    counts, costs = record.result.parameters, record.costs
    found |= (
        {f"parameters/{name}": value for name, value in counts.as_json().items()} if counts else {}
    )
    found |= {f"seconds/{phase}": value for phase, value in costs.seconds.items()}
    found |= {f"bytes/{name}": value for name, value in costs.bytes.as_json().items()}
    return {name: float(value) for name, value in found.items() if value is not None}


def _flat(values: Any, prefix: str = "") -> Iterator[tuple[str, str | int | float | bool]]:
    """Nested settings under keys with dots; nothing at all is left out."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(values, (bool, int, float, str)):
        yield prefix, values
    elif values is not None:
        yield prefix, str(values)
