"""How long a study would take: its trials at the lengths of its texts, side by side."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tunewise.costs.calibration import Calibration
from tunewise.studies.expand import Expansion, Point
from tunewise.studies.planned import Planned
from tunewise.training.batches import evaluation_batches, training_batches
from tunewise.training.predictor import EVALUATION_BATCH

START_SECONDS = 0.5  # a trial's process, reading its data, writing its results
LOADED_BYTES = 1e9  # of weights that are read or written in a second


@dataclass(frozen=True)
class Lengths:
    """Tokens of each text, before anything is cut."""

    train: Sequence[int]
    validation: Sequence[int]


def trial_seconds(
    calibration: Calibration, point: Point, seen: dict[str, Any], lengths: Lengths
) -> float:
    """Of one trial: every epoch's steps and evaluations at the lengths the texts have."""
    training = point.training
    assert training is not None
    memory = seen["memory"]
    train = [min(length, seen["max_length"]) for length in lengths.train]
    held = [min(length, seen["max_length"]) for length in lengths.validation]
    if seen["stored_features"]:
        train, held = [1] * len(train), [1] * len(held)
    batches = training_batches(train, training.batch_size, seed=0, epoch=1)
    counted = min(training.batch_size, len(train)) * (
        1 if seen["stored_features"] else seen["tokens"]
    )
    shares = [len(batch) * max(train[at] for at in batch) / counted for batch in batches]
    step = ("forward", "backward", "update")
    epoch = sum(_work(calibration, memory, step, share) for share in shares)
    evaluated = _passing(
        calibration, memory, "evaluation", held, validation=len(held), counted=max(held)
    )
    moved = 4 * (seen["parameters"]["total"] + seen["parameters"]["trainable"])
    around = START_SECONDS + moved / LOADED_BYTES
    return around + training.epochs * (epoch + evaluated) + evaluated


def _passing(
    calibration: Calibration,
    memory: dict[str, Any],
    phase: str,
    lengths: Sequence[int],
    *,
    validation: int,
    counted: int,
) -> float:
    """Of a pass over a split in evaluation batches; one of `counted` tokens was counted."""
    batches = evaluation_batches(lengths, EVALUATION_BATCH)
    most = min(EVALUATION_BATCH, validation) * counted
    return sum(
        _work(calibration, memory, (phase,), len(batch) * lengths[batch[0]] / most)
        for batch in batches
    )


def features_seconds(calibration: Calibration, seen: dict[str, Any], lengths: Lengths) -> float:
    """Of a frozen trunk over train and validation, once."""
    total = 0.0
    for split in (lengths.train, lengths.validation):
        cut = [min(length, seen["max_length"]) for length in split]
        total += _passing(
            calibration,
            seen["memory"],
            "features",
            cut,
            validation=len(lengths.validation),
            counted=seen["evaluated_tokens"],
        )
    return total


def _work(
    calibration: Calibration, memory: dict[str, Any], phases: Iterable[str], share: float
) -> float:
    total = 0.0
    for phase in phases:
        by = 1.0 if phase == "update" else share
        total += calibration.seconds(
            int(by * memory["flops"].get(phase, 0)),
            int(by * memory["moved_bytes"].get(phase, 0)),
            memory["operations"].get(phase, 0),
        )
    return total


def study_seconds(expansion: Expansion, contenders: Sequence[Planned], workers: int) -> float:
    """Of the study: all search points, then the other seeds, side by side."""
    frozen = {str(row.model): 0.0 for row in expansion.contenders}
    for source, row in zip(expansion.contenders, contenders, strict=True):
        frozen[str(source.model)] = max(frozen[str(source.model)], row.features_seconds)
    total = makespan(list(frozen.values()), workers)
    by_name = {row.name: row for row in contenders}
    searches, seeds = [], []
    for source in expansion.contenders:
        planned = by_name[source.name]
        searches += [planned.seconds] * len(source.points)
        seeds += [planned.seconds] * (planned.trials - len(source.points))
    for jobs in (searches, seeds):
        total += makespan(jobs, workers)
    return total


def makespan(jobs: Sequence[float], workers: int) -> float:
    """Seconds until all are done, each worker taking the next one when it is free."""
    free = [0.0] * workers
    for seconds in jobs:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)
