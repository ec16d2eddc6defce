"""The training loop: one for every method and task."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from tunewise.tasks.base import Batch, Task
from tunewise.training.loss_scale import LossScale
from tunewise.training.optimizer import set_learning_rate
from tunewise.training.seeds import derive


class Step(NamedTuple):
    """What one optimiser step did. The loss is a mean over its targets, in nats."""

    number: int  # in the whole training, from 1
    loss: float
    accuracy: float  # share of targets answered correctly while training, dropout on
    gradient_norm: float  # before clipping; not finite where the step was skipped
    learning_rate: float
    targets: int
    real_tokens: int
    padded_tokens: int
    skipped: bool = False  # its gradients overflowed, and the weights stayed as they were


class Diverged(Exception):
    """The loss or a gradient stopped being a finite number."""

    def __init__(self, step: int, last_loss: float | None) -> None:
        self.step = step
        self.last_loss = last_loss
        known = "there was none" if last_loss is None else f"the last one was {last_loss:.4g}"
        super().__init__(f"no finite loss or gradient at step {step}; {known}.")


def train(
    module: nn.Module,
    task: Task,
    steps: Iterable[tuple[int, Sequence[Batch]]],
    optimizer: Optimizer,
    *,
    learning_rate: Callable[[int], float],
    clip_norm: float,
    seed: int,
    penalty: Callable[[], Tensor | None],
    after_step: Callable[[Step], None],
    entering: Callable[[str], None] = lambda phase: None,
    scale: LossScale | None = None,
) -> None:
    """Take one optimiser step for each numbered group of batches.

    The loss is divided by the targets of the whole step, not batch by batch, so computing a step
    in parts trades memory for time and leaves the gradient the same. Dropout is drawn from the
    seed and the step's number alone. A `penalty` joins the mean loss, not the loss that is told.
    `after_step` runs while the gradients still exist. `entering` hears what begins: ``forward``,
    ``backward``, ``update``, ``done``. With a `scale` gradients may overflow: such a step is
    skipped, and the learning rate is that of the steps taken.

    Raises:
        Diverged: the loss or the gradient is not finite, and no smaller scale would help; the
            weights are those before the step.
    """
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    last_loss = None

    for number, batches in steps:
        targets = sum(batch.targets for batch in batches)

        loss, correct = 0.0, 0
        for part, batch in enumerate(batches):
            torch.manual_seed(derive(seed, "dropout", number, part))
            entering("forward")
            result = task.loss(module, batch)
            entering("backward")
            _scaled(result.total / targets, scale).backward()
            loss += result.total.item() / targets
            correct += result.correct
        if (extra := penalty()) is not None:
            _scaled(extra, scale).backward()

        entering("update")
        if scale is not None:
            scale.unscale(weights)
        norm = clip_grad_norm_(weights, clip_norm).item()
        can_shrink = scale is not None and not scale.is_least
        if not math.isfinite(loss) or not (math.isfinite(norm) or can_shrink):
            raise Diverged(number, last_loss)
        rate = learning_rate(number if scale is None else number - scale.skipped)
        skipped = scale is not None and not scale.accept(norm)
        if not skipped:
            set_learning_rate(optimizer, rate)
            optimizer.step()
        entering("done")
        after_step(
            Step(
                number,
                loss,
                correct / targets,
                norm,
                rate,
                targets,
                sum(batch.real_tokens for batch in batches),
                sum(batch.padded_tokens for batch in batches),
                skipped,
            )
        )
        optimizer.zero_grad(set_to_none=True)
        last_loss = loss


def _scaled(loss: Tensor, scale: LossScale | None) -> Tensor:
    return loss if scale is None else loss * scale.factor
