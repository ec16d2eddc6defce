"""What each epoch of training gave: means over seeds, and the best and the last of a metric."""

from __future__ import annotations

from dataclasses import dataclass

from tunewise.reports.facts.curves import CurvePoint, over_seeds_of, validation_curve
from tunewise.reports.facts.evidence import Evidence
from tunewise.statistics.metrics import upward


def training_accuracy(evidence: Evidence) -> list[CurvePoint]:
    """The fraction of targets answered correctly while training, dropout on, by epoch."""
    return over_seeds_of(
        evidence,
        lambda trial: {
            float(epoch.epoch): epoch.train_accuracy
            for epoch in trial.record.result.epochs
            if epoch.train_accuracy is not None
        },
    )


def training_loss_by_epoch(evidence: Evidence) -> list[CurvePoint]:
    """Mean training loss of each epoch in nats per target."""
    return over_seeds_of(
        evidence,
        lambda trial: {
            float(epoch.epoch): epoch.train_loss
            for epoch in trial.record.result.epochs
            if epoch.train_loss is not None
        },
    )


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
