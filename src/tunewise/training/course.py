"""How long a training goes on, and the learning rate of each of its steps.

Where a study names epochs, those are taken. With ``epochs: auto`` a training goes on while
validation loss falls: warm-up, then a constant rate for as long as it takes, then a decay that
begins at the best weights.

Which weights are the best is a choice among many epochs on few examples. The highest score alone
would often take those of a late epoch that knows the training examples by heart and was lucky. So
an epoch has to score higher by more than two standard errors, paired over the examples; of epochs
that are level with the one kept so far, the lower loss counts. It is akin to the rule of one
standard error (Breiman et al., *Classification and Regression Trees*, 1984), with the loss where
theirs has the size of a tree, and wider as there are several epochs to be lucky in. Those of the
decay are few, and settle what came before: of them, and where a study names its epochs, the highest
score counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

from tunewise.statistics.noise import is_higher, is_lower
from tunewise.training.optimizer import decayed, learning_rate_at
from tunewise.training.settings import DECAY, TrainingSettings, most_steps, search_steps

PATIENCE = 2  # epochs without a fall of the loss beyond its noise
PATIENCE_PART = 0.2  # or this fraction of the epochs so far, whichever is more
LUCK = 2.0  # standard errors by which one of several epochs may score higher

Ended = Literal["patience", "limit"]


@dataclass
class Standing:
    """What a training of open length has found so far: plain values of a checkpoint."""

    losses: list[float] = field(default_factory=list)  # of each example, when they last fell
    improved: int = 0  # the epoch of it
    ended: Ended | None = None  # why the constant rate ended
    decay_from: int = 0  # the first epoch of the decay
    decay_epochs: int = 0
    kept_scores: list[float] = field(default_factory=list)  # of each example, by the best weights
    kept_losses: list[float] = field(default_factory=list)

    def is_best(self, scores: Sequence[float], losses: Sequence[float]) -> bool:
        """Whether the weights that were just evaluated replace the best ones so far.

        Args:
            scores: of each validation example, the higher the better, always in the same order.
            losses: of each, in nats. Those of a model that is too sure are not softened as where
                rates are compared: they are what tells it from one that learned less by heart.
        """
        errors = LUCK if self.ended is None else 0.0
        if self.kept_scores and not is_higher(scores, self.kept_scores, errors=errors):
            is_level = not is_higher(self.kept_scores, scores, errors=errors)
            if not (is_level and fmean(losses) < fmean(self.kept_losses)):
                return False
        self.kept_scores, self.kept_losses = list(scores), list(losses)
        return True


@dataclass(frozen=True)
class Course:
    """The length and the rates of one training."""

    settings: TrainingSettings
    steps_per_epoch: int
    peak: float  # learning rate

    @property
    def is_open(self) -> bool:
        return self.settings.epochs == "auto"

    @property
    def search_steps(self) -> int:
        return search_steps(self.settings, self.steps_per_epoch)

    @property
    def most_steps(self) -> int:
        return most_steps(self.settings, self.steps_per_epoch)

    @property
    def most_epochs(self) -> int:
        return self.most_steps // self.steps_per_epoch

    def is_over(self, epoch: int, standing: Standing) -> bool:
        """Whether no epoch is left before this one, patience apart."""
        if not self.is_open:
            return epoch > self.most_epochs
        return standing.ended is not None and epoch >= standing.decay_from + standing.decay_epochs

    def learning_rate(self, step: int, standing: Standing) -> float:
        """The rate of a step, counted from 1 and without those that float16 skipped."""
        settings = self.settings
        if not self.is_open:
            return learning_rate_at(step, self.most_steps, settings, self.peak)
        warm = math.ceil(settings.warmup * self.search_steps)
        if step <= warm:
            return self.peak * step / warm
        if standing.ended is None:
            return self.peak
        before = (standing.decay_from - 1) * self.steps_per_epoch
        done = (step - 1 - before) / (standing.decay_epochs * self.steps_per_epoch)
        return decayed(max(0.0, done), settings.schedule, self.peak)

    def after_epoch(
        self, epoch: int, best_epoch: int, losses: Sequence[float], standing: Standing
    ) -> bool:
        """Take note of an evaluation; True where the decay begins with the next epoch.

        Args:
            epoch: that was just evaluated, from 1.
            best_epoch: whose weights are the best so far.
            losses: of each validation example, in nats, always in the same order.
            standing: is brought up to date.
        """
        if not self.is_open or standing.ended is not None:
            return False
        if not standing.losses or is_lower(losses, standing.losses):
            standing.losses, standing.improved = list(losses), epoch
        usual = max(PATIENCE, math.ceil(PATIENCE_PART * epoch))
        patience = usual if self.settings.patience is None else self.settings.patience
        most = max(1, math.floor(self.most_epochs / (1 + DECAY)))
        compared = epoch * self.steps_per_epoch >= self.search_steps  # at rates that are constant
        if compared and epoch - standing.improved >= patience:
            standing.ended = "patience"
        elif epoch >= most:
            standing.ended = "limit"
        else:
            return False
        standing.decay_from = epoch + 1
        if self.settings.schedule != "constant":
            standing.decay_epochs = max(1, math.floor(DECAY * best_epoch))
        return True
