"""``training.devices: auto``: one GPU for a trial, or as many as it takes to fit.

It is settled before a study runs and stored with it, so that going on changes no trial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewise.core.errors import InputError, Problem
from tunewise.core.format import size
from tunewise.estimate.budget import earlier_study
from tunewise.estimate.plan_types import Plan, Planned
from tunewise.estimate.slices import SLICED
from tunewise.methods.base import METHODS, Adaptation
from tunewise.store.records import ContenderRecord, PointRecord
from tunewise.studies.engines.gpus import Gpu, room_of
from tunewise.studies.prepare import Prepared, Say
from tunewise.studyfile.contender_records import identity_of
from tunewise.training.settings import AUTO, TrainingSettings

PLACE = "training.devices"


def with_devices(
    prepared: Prepared,
    folder: Path,
    planned: Plan | None,
    cards: Sequence[Gpu],
    *,
    say: Say = lambda text: None,
) -> tuple[Prepared, Plan | None]:
    """The study with a number in the place of devices left to us, and the plan as it is then.

    What the folder's study says is kept. What trains on the stored outputs of a frozen backbone
    needs one device, whatever is asked for.

    Args:
        prepared: the study.
        folder: where it lies if it ran before.
        planned: what its contenders are predicted to hold on one device, where it is known.
        cards: the GPUs of this machine that trials may use.
        say: is told what was chosen.

    Raises:
        InputError: more GPUs are asked for than there are, or a method cannot do with slices.
    """
    study = prepared.study
    earlier = earlier_study(folder)
    known = {row.name: row for row in earlier.contenders} if earlier else {}
    predicted = {row.name: row for row in planned.contenders} if planned else {}
    rows, problems = [], []
    for row in study.contenders:
        if not row.trained:
            rows.append(row)
            continue
        chosen: dict[str, Any] = {"devices": 1, "shard": False}
        if row.features is None and row.name in known:
            chosen = _settled(known[row.name])
        elif row.features is None and (one := predicted.get(row.name)) is not None:
            chosen = _chosen(row, one, cards)
            if chosen["devices"] > 1:
                predicted[row.name] = replace(
                    one, peak_bytes=_needed(one, chosen["devices"]), devices=chosen["devices"]
                )
                say(
                    f"devices auto: {chosen['devices']} for {row.name}, its weights in slices; "
                    f"it is predicted to hold {size(one.peak_bytes or 0)} on one."
                )
        made = replace(row, points=tuple(_point(point, row, chosen) for point in row.points))
        problems += _problems(made, cards)
        rows.append(made)
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    if planned is not None:
        planned = replace(
            planned, contenders=tuple(predicted[row.name] for row in planned.contenders)
        )
    return replace(prepared, study=replace(study, contenders=tuple(rows))), planned


def _settled(row: ContenderRecord) -> dict[str, Any]:
    training = TrainingSettings(**row.points[0].settings.training)
    return {"devices": training.ranks, "shard": training.shard}


def _chosen(row: ContenderRecord, planned: Planned, cards: Sequence[Gpu]) -> dict[str, Any]:
    """The fewest devices that a contender fits, or all of them where it fits none."""
    chosen = {"devices": 1, "shard": False}
    room = room_of(cards)
    if not room or planned.peak_bytes is None or planned.peak_bytes <= room:
        return chosen
    for devices in range(2, len(cards) + 1):
        if not _can(row, devices):
            break
        chosen = {"devices": devices, "shard": True}
        if _needed(planned, devices) <= room:
            break
    return chosen


def _can(row: ContenderRecord, devices: int) -> bool:
    """Whether the contender's settings allow for slices on so many devices."""
    method = METHODS.get(row.method)
    try:
        for point in row.points:
            given = {**point.settings.training, "devices": devices, "shard": True}
            TrainingSettings(**given)
    except ValueError:
        return False
    return issubclass(method, Adaptation) and method.shards


def _needed(planned: Planned, devices: int) -> int:
    """Bytes on each device, from what one alone would hold."""
    kinds = planned.kinds or {}
    kept = sum(size for kind, size in kinds.items() if kind in (*SLICED, "best_epoch"))
    moving = (planned.peak_bytes or 0) - kept
    return -(-(kept + moving) // devices) + planned.gathered_bytes


def _point(point: PointRecord, row: ContenderRecord, chosen: dict[str, Any]) -> PointRecord:
    training = point.settings.training
    is_open = training.get("devices", AUTO) == AUTO
    if not is_open and row.features is None:
        return point
    if not is_open or chosen["devices"] > 1:
        settings = replace(point.settings, training={**training, **chosen})
        return replace(point, settings=settings, identity=identity_of(settings))
    return point


def _problems(row: ContenderRecord, cards: Sequence[Gpu]) -> list[Problem]:
    found = []
    for point in row.points:
        training = TrainingSettings(**point.settings.training)
        if 0 < len(cards) < training.ranks:
            here = "1 GPU" if len(cards) == 1 else f"{len(cards)} GPUs"
            message = f"{training.ranks} for {row.name}, and trials may use {here} of this machine."
            found.append(Problem(PLACE, message))
        method = METHODS.get(row.method)
        if training.shard and not (issubclass(method, Adaptation) and method.shards):
            message = f"{row.name}: '{row.method}' does not work on slices; leave out shard here."
            found.append(Problem("training.shard", message))
    return found
