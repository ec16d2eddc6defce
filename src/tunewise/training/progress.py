"""What a step did, where a training stands, and which of its epochs is the best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tunewise.statistics.metrics import upward
from tunewise.training.checks.findings import Findings
from tunewise.training.course import Standing
from tunewise.training.loss_scale import LossScale


class Step(NamedTuple):
    """What one optimizer step did. The loss is a mean over its targets, in nats."""

    number: int  # in the whole training, from 1
    loss: float
    accuracy: float  # fraction of targets answered correctly while training, dropout on
    gradient_norm: float  # before clipping; not finite where the step was skipped
    learning_rate: float
    targets: int
    real_tokens: int
    padded_tokens: int
    skipped: bool = False  # its gradients overflowed, and the weights stayed as they were


@dataclass
class Progress:
    """All scalars of a checkpoint."""

    epoch: int = 1  # being trained
    step: int = 0  # taken so far
    epochs: list[dict[str, Any]] = field(default_factory=list)  # finished ones
    best_epoch: int = 0
    loss: float = 0.0  # summed over the targets of this epoch
    correct: float = 0.0
    targets: int = 0
    real_tokens: int = 0  # of the whole training
    padded_tokens: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
    scale: LossScale = field(default_factory=LossScale)  # of the loss, in float16
    standing: Standing = field(default_factory=Standing)  # of a training of open length

    @classmethod
    def of(cls, state: dict[str, Any]) -> Progress:
        """What a checkpoint says; those of older versions lack some of it."""
        findings = Findings(**state.get("findings", {}))
        scale = LossScale(**state.get("scale", {}))
        standing = Standing(**state.get("standing", {}))
        return cls(**{**state, "findings": findings, "scale": scale, "standing": standing})

    def add(self, step: Step) -> None:
        self.step = step.number
        self.loss += step.loss * step.targets
        self.correct += step.accuracy * step.targets
        self.targets += step.targets
        self.real_tokens += step.real_tokens
        self.padded_tokens += step.padded_tokens

    def close_epoch(self, validation: dict[str, Any]) -> dict[str, Any]:
        record = {
            "epoch": self.epoch,
            "train_loss": self.loss / self.targets,
            "train_accuracy": self.correct / self.targets,  # while training, dropout on
            "validation": validation,
        }
        self.epochs.append(record)
        self.epoch += 1
        self.loss, self.correct, self.targets = 0.0, 0.0, 0
        return record

    def last_is_best(self, metric: str) -> bool:
        """Whether the last epoch beats every earlier one; the loss decides between equal scores."""
        *earlier, last = [_rank(record["validation"], metric) for record in self.epochs]
        return all(last > rank for rank in earlier)

    def epochs_since_best(self, metric: str) -> int:
        """How many epochs have passed without a better one."""
        scores = [record["validation"] for record in self.epochs]
        return len(scores) - best_epoch(scores, metric) if scores else 0


def best_epoch(validation: Sequence[Mapping[str, Any]], metric: str) -> int:
    """The first of the epochs with the best of these scores, counted from 1."""
    ranks = [_rank(scores, metric) for scores in validation]
    return 1 + ranks.index(max(ranks))


def _rank(validation: Mapping[str, Any], metric: str) -> tuple[float, float]:
    score = validation[metric]
    return (-math.inf if score is None else upward(metric, score), -validation["loss"])
