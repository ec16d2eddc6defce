"""Learning curves, summarized over seeds before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tunewise.analysis.evidence import Evidence, Trial
from tunewise.statistics.metrics import upward
from tunewise.store.log import read_log
from tunewise.store.trial_records import EpochRecord
from tunewise.store.trials import LOG

MOST_BINS = 60  # points of a training-loss curve; a study of a million steps draws no more


@dataclass(frozen=True)
class CurvePoint:
    """A quantity after so many epochs: its mean over seeds and the seeds' extremes."""

    name: str
    epoch: float
    mean: float
    low: float
    high: float
    seeds: int


def training_loss(evidence: Evidence) -> list[CurvePoint]:
    """Mean training loss in nats per target, within bins of steps, by epochs passed."""
    return _over_seeds(evidence, _logged_loss)


def validation_curve(evidence: Evidence, metric: str) -> list[CurvePoint]:
    """A validation metric after each epoch."""
    return _by_epoch(evidence, lambda epoch: epoch.validation.get(metric))


def turns(points: Iterable[CurvePoint]) -> dict[str, tuple[float, bool]]:
    """For each contender the epoch of its lowest validation loss, and whether it rose after it."""
    by_name: dict[str, list[CurvePoint]] = {}
    for point in points:
        by_name.setdefault(point.name, []).append(point)
    lowest = {name: min(curve, key=lambda p: p.mean) for name, curve in by_name.items()}
    return {
        name: (lowest[name].epoch, lowest[name].epoch < max(p.epoch for p in curve))
        for name, curve in by_name.items()
    }


def _over_seeds(
    evidence: Evidence, read: Callable[[Trial], dict[float, float]]
) -> list[CurvePoint]:
    """A quantity by epochs passed, which `read` takes from a trial, over each contender's seeds."""
    points = []
    for contender in evidence.contenders:
        values: dict[float, list[float]] = {}
        for trial in contender.finished:
            for epoch, value in read(trial).items():
                values.setdefault(epoch, []).append(value)
        points += [
            CurvePoint(contender.name, epoch, sum(v) / len(v), min(v), max(v), len(v))
            for epoch, v in sorted(values.items())
        ]
    return points


def _by_epoch(evidence: Evidence, read: Callable[[EpochRecord], float | None]) -> list[CurvePoint]:
    """What epochs have of a quantity, over each contender's seeds."""
    return _over_seeds(
        evidence,
        lambda trial: {
            float(epoch.epoch): value
            for epoch in trial.record.result.epochs
            if (value := read(epoch)) is not None
        },
    )


def training_accuracy(evidence: Evidence) -> list[CurvePoint]:
    """The fraction of targets answered correctly while training, dropout on, by epoch."""
    return _by_epoch(evidence, lambda epoch: epoch.train_accuracy)


def training_loss_by_epoch(evidence: Evidence) -> list[CurvePoint]:
    """Mean training loss of each epoch in nats per target."""
    return _by_epoch(evidence, lambda epoch: epoch.train_loss)


@dataclass(frozen=True)
class BestAndLast:
    """A contender's validation score after its best epoch and after its last, means over seeds."""

    name: str
    best: float
    best_epoch: float
    last: float
    last_epoch: float


def best_and_last(evidence: Evidence, metric: str) -> list[BestAndLast]:
    """A row for each contender whose trials scored validation after more than one epoch."""
    points = validation_curve(evidence, metric)
    found = []
    for name in dict.fromkeys(point.name for point in points):
        curve = [point for point in points if point.name == name]
        if len(curve) > 1:
            best, last = max(curve, key=lambda p: upward(metric, p.mean)), curve[-1]
            found.append(BestAndLast(name, best.mean, best.epoch, last.mean, last.epoch))
    return found


def _logged_loss(trial: Trial) -> dict[float, float]:
    """From the steps where they were logged, else from the epochs' means."""
    steps = [
        event
        for event in read_log(trial.record.folder / LOG)
        if event["event"] == "step" and event.get("loss") is not None
    ]
    epochs = trial.record.result.epochs
    if not steps or not epochs:
        means = {float(epoch.epoch): epoch.train_loss for epoch in epochs}
        return {epoch: loss for epoch, loss in means.items() if loss is not None}
    last = max(int(event["step"]) for event in steps)
    bins = max(1, min(MOST_BINS, len(steps)) // len(epochs)) * len(
        epochs
    )  # none lies over two epochs
    sums: dict[int, list[float]] = {}
    for event in steps:
        sums.setdefault((int(event["step"]) - 1) * bins // last, []).append(float(event["loss"]))
    return {(place + 0.5) / bins * len(epochs): sum(v) / len(v) for place, v in sums.items()}
