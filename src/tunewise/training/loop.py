"""The training loop, one for every method and task, from the batch to the checkpoint.

`Learner.step` is a step: loss, backward pass, clipping, update. `Training` takes it on one batch
after the other, logs it and saves checkpoints. A plan takes the very same step on fake tensors,
and a probe of the batch size on the longest examples.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from tunewise.backbones.model import Model, training_mode
from tunewise.core.errors import InputError, Problem
from tunewise.core.phases import Phase, unmeasured
from tunewise.costs.measure import Stopwatch
from tunewise.data.examples import Example, Prediction
from tunewise.methods.base import Adaptation
from tunewise.tasks.base import Batch, Loss, Task
from tunewise.tasks.encoded_texts import full_lengths
from tunewise.training.batches import parts_of, training_batches
from tunewise.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    put_back,
    save_checkpoint,
    trained_tensors,
)
from tunewise.training.checks.weights import SETTLED, Watch
from tunewise.training.course import Course
from tunewise.training.encoded_split import Feed
from tunewise.training.log import TrialLog
from tunewise.training.loss_scale import LossScale
from tunewise.training.optimizer import make_optimizer, set_learning_rate
from tunewise.training.predictor import predict_feed
from tunewise.training.progress import Progress, Step
from tunewise.training.ranks.group import ALONE, Ranks
from tunewise.training.ranks.sharding import value_of
from tunewise.training.seeds import derive
from tunewise.training.settings import TrainingSettings
from tunewise.training.trial_profiler import TrialProfiler

LOGGED_STEPS = 400  # a trial logs about this many steps, however long it is


class Interrupted(Exception):
    """The trial was asked to stop; its checkpoint is saved."""


class Diverged(Exception):
    """The loss or a gradient stopped being a finite number."""

    def __init__(self, step: int, last_loss: float | None) -> None:
        self.step = step
        self.last_loss = last_loss
        known = "there was none" if last_loss is None else f"the last one was {last_loss:.4g}"
        super().__init__(f"no finite loss or gradient at step {step}; {known}.")


@dataclass
class Learner:
    """An adapted model in training mode, and what changes its weights."""

    model: Model
    task: Task
    method: Adaptation
    optimizer: Optimizer
    clip_norm: float
    seed: int
    scale: LossScale | None = None  # of the loss, in float16
    ranks: Ranks = ALONE
    last_loss: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        training_mode(self.model)
        self.weights = [w for w in self.model.module.parameters() if w.requires_grad]

    def step(
        self,
        number: int,
        batches: Sequence[Batch],
        *,
        learning_rate: float,
        phase: Phase = unmeasured,
    ) -> Step:
        """Take one optimizer step over some micro-batches, on the device of the model.

        The loss is divided by the targets of the whole step, not batch by batch, so computing a
        step in micro-batches trades memory for time and leaves the gradient the same. Dropout is
        drawn from the seed and the step's number alone. The method's penalty joins the mean loss,
        not the loss that is reported. With a scale gradients may overflow: such a step is skipped.

        Over several ranks each computes a share of the micro-batches, of which all are given.

        The gradients still exist afterwards; whoever takes another step zeroes them.

        Args:
            number: of the step in the whole training, from 1.
            batches: of which each has something to learn.
            learning_rate: of this step; a group of parameters may scale it.
            phase: measures ``forward``, ``backward`` and ``update``.

        Raises:
            Diverged: the loss or the gradient is not finite, and no smaller scale would help; the
                weights are those before the step.
        """
        targets = sum(batch.targets for batch in batches)
        loss, correct = 0.0, 0.0

        for place, batch, counts in self.ranks.share(batches):
            torch.manual_seed(derive(self.seed, "dropout", number, place))
            with phase("forward"):
                result = self.task.loss(self.model.module, batch)
                if not counts:
                    result = Loss(0 * result.total, 0)
            with phase("backward"):
                self._scaled(result.total / targets).backward()
                loss += result.total.item() / targets
            correct += result.correct
        with phase("backward"):
            penalty = self.method.penalty(self.model) if self.ranks.is_first else None
            if penalty is not None:
                self._scaled(penalty).backward()
            self.ranks.add_gradients(self.weights)
            loss, correct = self.ranks.sum(loss, correct)

        with phase("update"):
            if self.scale is not None:
                self.scale.unscale(self.weights)
            norm = value_of(clip_grad_norm_(self.weights, self.clip_norm))
            can_shrink = self.scale is not None and not self.scale.is_least
            if not math.isfinite(loss) or not (math.isfinite(norm) or can_shrink):
                raise Diverged(number, self.last_loss)
            taken = self.scale is None or self.scale.accept(norm)
            if taken:
                set_learning_rate(self.optimizer, learning_rate)
                self.optimizer.step()

        self.last_loss = loss
        return Step(
            number,
            loss,
            correct / targets,
            norm,
            learning_rate,
            targets,
            real_tokens=sum(batch.real_tokens for batch in batches),
            padded_tokens=sum(batch.padded_tokens for batch in batches),
            skipped=not taken,
        )

    def _scaled(self, loss: Tensor) -> Tensor:
        return loss if self.scale is None else loss * self.scale.factor


@dataclass
class Training:
    """One training of an adapted model. `run` resumes from the newest checkpoint, if any.

    `validation` are the examples of its feed: the task's first metric on them chooses the epoch.
    """

    task: Task
    model: Model
    method: Adaptation
    settings: TrainingSettings
    learning_rate: float  # the peak of the schedule
    seed: int
    train_feed: Feed
    validation_feed: Feed
    validation: Sequence[Example]
    checkpoints: Path
    checkpoint_seconds: float
    log: TrialLog
    stopwatch: Stopwatch
    stop: Callable[[], bool]
    profiler: TrialProfiler = field(default_factory=TrialProfiler)
    until: int | None = None  # the step to stop after, with a checkpoint; None: at the end
    ranks: Ranks = ALONE

    def run(self) -> Progress:
        """Train to the end and leave the chosen epoch's weights in the model.

        Where it goes `until` a step, the weights of that step are left, and a checkpoint.

        Raises:
            Interrupted: `stop` returned True; everything needed to resume is on the disk.
            Diverged: a loss or gradient was not finite.
            InputError: an epoch held nothing to learn.
        """
        self.begin()
        while not self._is_over():
            with self.stopwatch.phase("train"):
                self._train_epoch()
            if self.progress.step == self.until:
                return self.progress
            self._evaluate()
        self.watch.look(self.progress.findings)
        if self.best is not None:
            put_back(self.model.module, self.best)
        return self.progress

    def begin(self) -> None:
        """Make what the steps need, and go back to the newest checkpoint if there is one."""
        self.watch = Watch(self.model.module, self.ranks)  # before a checkpoint is put back
        self.steps_per_epoch = -(-len(self.train_feed.encoded) // self.settings.batch_size)
        self.course = Course(self.settings, self.steps_per_epoch, self.learning_rate)
        self.steps = self.course.most_steps
        groups = self.method.groups(self.model)
        self.optimizer = make_optimizer(self.model.module, groups, self.settings)
        self.profiler.optimizer = self.optimizer
        self.method.begin(self.model, self.course.search_steps)
        self.answers: list[Prediction] | None = None  # to validation, of the weights that are left
        self.progress, self.best = self._resume()
        self._last_checkpoint = time.monotonic()
        self.log.write("start", steps=self.steps, epochs=self.course.most_epochs)

    def _train_epoch(self) -> None:
        """Take the steps of the epoch that have not been taken yet."""
        progress, settings = self.progress, self.settings
        learner = Learner(
            self.model,
            self.task,
            self.method,
            self.optimizer,
            settings.clip_norm,
            self.seed,
            scale=progress.scale if settings.precision == "float16" else None,
            ranks=self.ranks,
        )
        for number, places in self._steps_to_come():
            parts = parts_of(places, settings.accumulate * self.ranks.size)
            loaded = [self.train_feed.batch(part) for part in parts]
            # What holds nothing to learn has loss 0 whatever the model answers: it is left out.
            kept = [batch for batch in loaded if progress.findings.add_batch(batch)]
            if not kept:
                continue
            batches = [batch.to(self.model.device) for batch in kept]

            taken = number - progress.scale.skipped
            rate = self.course.learning_rate(taken, progress.standing)
            mine = [share.part for share in self.ranks.share(batches)]
            with self.profiler.step(number, mine) as phase:
                step = learner.step(number, batches, learning_rate=rate, phase=phase)
            if not step.skipped:
                self.method.after_step(self.model, number)  # it may read the gradients
            self._record(step)
            self.optimizer.zero_grad(set_to_none=True)

            if number == self.until:
                self._save_checkpoint()
                return
            is_due = time.monotonic() - self._last_checkpoint >= self.checkpoint_seconds
            is_to_stop, is_due = self.ranks.any(self.stop(), is_due)
            if is_to_stop:
                self._save_checkpoint()
                raise Interrupted
            if is_due:
                self._save_checkpoint()

        if not progress.targets:  # a mean loss over nothing would be reported as a number
            raise InputError(
                [Problem("train", "nothing to learn: every label is masked, or every text empty.")]
            )

    def _steps_to_come(self) -> list[tuple[int, list[int]]]:
        """The steps of this epoch that have not been taken: number, and places of the examples."""
        lengths = full_lengths(self.train_feed.encoded)
        order = training_batches(
            lengths, self.settings.batch_size, seed=self.seed, epoch=self.progress.epoch
        )
        first = (self.progress.epoch - 1) * self.steps_per_epoch + 1
        to_come = [step for step in enumerate(order, first) if step[0] > self.progress.step]
        self.profiler.choose({n: max(lengths[at] for at in places) for n, places in to_come})
        return to_come

    def _record(self, step: Step) -> None:
        """Count a step, look for what goes wrong without an error, and log it."""
        progress = self.progress
        progress.add(step)
        progress.findings.add_loss(step.number, self.course.search_steps, step.loss)
        if not step.skipped and step.number - progress.scale.skipped == SETTLED:
            self.watch.look(progress.findings)
        if step.number % max(1, self.steps // LOGGED_STEPS) == 0:
            self.log.write(
                "step",
                epoch=progress.epoch,
                step=step.number,
                loss=step.loss,
                learning_rate=step.learning_rate,
                gradient_norm=None if step.skipped else step.gradient_norm,
                seconds=round(self.stopwatch.total(), 3),
            )

    def _evaluate(self) -> None:
        """Answer the validation examples, and keep the weights if they are the best so far."""
        progress = self.progress
        with self.stopwatch.phase("evaluate"):
            predictions = predict_feed(
                self.model,
                self.validation_feed,
                choosing=True,
                phase=self.profiler.evaluation,
                ranks=self.ranks,
            )
            validation = self.task.score(predictions, self.validation)
        progress.findings.add_answers(progress.epoch, predictions)
        if self.settings.choose != "best":
            self.answers = predictions
        record = progress.close_epoch(validation)
        seconds = round(self.stopwatch.total(), 3)
        self.log.write("evaluation", step=progress.step, **record, seconds=seconds)
        losses = [0.0 if answer.loss is None else answer.loss for answer in predictions]
        if self.settings.choose == "best" and self._is_best(predictions, losses):
            progress.best_epoch = record["epoch"]
            record["kept"] = True
            self.best, self.answers = trained_tensors(self.model.module), predictions
        best = progress.best_epoch or record["epoch"]
        decays = self.course.after_epoch(record["epoch"], best, losses, progress.standing)
        if decays and self.best is not None:
            put_back(self.model.module, self.best)  # the decay begins there

    def _is_best(self, predictions: Sequence[Prediction], losses: Sequence[float]) -> bool:
        """Whether the epoch that was just closed is the best so far."""
        if not self.course.is_open:
            return self.progress.last_is_best(self.task.metrics[0])
        scores = self.task.example_scores(predictions, self.validation)
        return self.progress.standing.is_best(scores, losses)

    def _is_over(self) -> bool:
        progress, patience = self.progress, self.settings.patience
        if self.course.is_over(progress.epoch, progress.standing):
            return True
        return (
            not self.course.is_open
            and patience is not None
            and (progress.epochs_since_best(self.task.metrics[0]) >= patience)
        )

    def _save_checkpoint(self) -> None:
        with self.stopwatch.phase("save"):
            state = {**asdict(self.progress), "seconds": self.stopwatch.seconds}
            kept = Checkpoint(state, self.best, self.method.state(self.model))
            save_checkpoint(self.checkpoints, self.model.module, self.optimizer, kept, self.ranks)
        self._last_checkpoint = time.monotonic()

    def _resume(self) -> tuple[Progress, dict[str, Tensor] | None]:
        """Where the training stands and its best weights, from the newest checkpoint if any."""
        found = load_checkpoint(self.checkpoints, self.model.module, self.optimizer)
        if found is None:
            self.log.rewind(-1)
            return Progress(), None
        self.method.restore(self.model, found.method)
        self.log.rewind(found.state["step"])
        progress = Progress.of(found.state)
        self.stopwatch.add(progress.seconds)
        return progress, found.best
