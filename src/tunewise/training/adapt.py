"""Training one contender: epochs, evaluation, the choice of an epoch, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tunewise.backbones.model import Model
from tunewise.core.errors import InputError, Problem
from tunewise.costs.measure import Stopwatch
from tunewise.data.examples import Prediction
from tunewise.methods.base import Adaptation
from tunewise.statistics.metrics import upward
from tunewise.store.records import ParameterCounts
from tunewise.tasks.base import Batch, Task
from tunewise.training.batches import parts_of, training_batches
from tunewise.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    put_back,
    save_checkpoint,
    trained_tensors,
)
from tunewise.training.checks.findings import Findings
from tunewise.training.checks.weights import SETTLED, Watch
from tunewise.training.encoded_split import Feed
from tunewise.training.log import TrialLog
from tunewise.training.loop import Step, train
from tunewise.training.loss_scale import LossScale
from tunewise.training.optimizer import learning_rate_at, make_optimizer
from tunewise.training.predictor import predict_feed
from tunewise.training.settings import TrainingSettings
from tunewise.training.trial_profiler import TrialMeter

LOGGED_STEPS = 400  # a trial logs about this many steps, however long it is


class Interrupted(Exception):
    """The trial was told to stop; its checkpoint stands."""


@dataclass
class Progress:
    """Where a trial stands: all scalars of a checkpoint."""

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


@dataclass
class Training:
    """One training of an adapted model. `run` goes on from the newest checkpoint, if any.

    `score` turns validation predictions into metrics; the first metric chooses the epoch.
    """

    task: Task
    model: Model
    method: Adaptation
    settings: TrainingSettings
    learning_rate: float
    seed: int
    train_feed: Feed
    validation_feed: Feed
    score: Callable[[Sequence[Prediction]], dict[str, Any]]
    checkpoints: Path
    checkpoint_seconds: float
    log: TrialLog
    stopwatch: Stopwatch
    stop: Callable[[], bool]
    meter: TrialMeter = field(default_factory=TrialMeter)

    def run(self) -> Progress:
        """Train to the end and leave the chosen epoch's weights in the model.

        Raises:
            Interrupted: `stop` said so; everything needed to go on is on the disk.
            Diverged: a loss or gradient was not finite.
            InputError: an epoch held nothing to learn.
        """
        self.watch = Watch(self.model.module)  # before a checkpoint is put back
        per_epoch = -(-len(self.train_feed.encoded) // self.settings.batch_size)
        self.steps = per_epoch * self.settings.epochs
        groups = self.method.groups(self.model)
        self.optimizer = make_optimizer(self.model.module, groups, self.settings)
        self.method.begin(self.model, self.steps)
        self.progress, self.best = self._resume()
        self._last_checkpoint = time.monotonic()
        self.log.write("start", steps=self.steps, epochs=self.settings.epochs)

        while self.progress.epoch <= self.settings.epochs and not self._out_of_patience():
            self._train_epoch(per_epoch)
            self._evaluate()
        self.watch.look(self.progress.findings)
        if self.best is not None:
            put_back(self.model.module, self.best)
        return self.progress

    def _resume(self) -> tuple[Progress, dict[str, Tensor] | None]:
        found = load_checkpoint(self.checkpoints, self.model.module, self.optimizer)
        if found is None:
            self.log.rewind(-1)
            return Progress(), None
        self.method.restore(self.model, found.method)
        self.log.rewind(found.state["step"])
        findings = Findings(**found.state.pop("findings", {}))
        scale = LossScale(**found.state.pop("scale", {}))
        progress = Progress(**found.state, findings=findings, scale=scale)
        self.stopwatch.add(progress.seconds)
        return progress, found.best

    def _train_epoch(self, per_epoch: int) -> None:
        training_mode(self.model)
        peak = self.learning_rate
        with self.stopwatch.phase("train"), self.meter.watching(self.optimizer):
            train(
                self.model.module,
                self.task,
                self._steps(per_epoch),
                self.optimizer,
                learning_rate=lambda n: learning_rate_at(n, self.steps, self.settings, peak),
                clip_norm=self.settings.clip_norm,
                seed=self.seed,
                penalty=lambda: self.method.penalty(self.model),
                after_step=self._after_step,
                entering=self.meter.entering,
                scale=self.progress.scale if self.settings.precision == "float16" else None,
            )
        if not self.progress.targets:  # a mean loss over nothing would be told as a number
            raise InputError(
                [Problem("train", "nothing to learn: every label is masked, or every text empty.")]
            )

    def _steps(self, per_epoch: int) -> Iterator[tuple[int, list[Batch]]]:
        """The steps of this epoch that have not been taken yet.

        A part that holds nothing to learn is left out: its loss is 0 whatever the model answers.
        Of a step with no other part nothing is taken, which is counted.
        """
        lengths = [item.full_length for item in self.train_feed.encoded]
        batches = training_batches(
            lengths, self.settings.batch_size, seed=self.seed, epoch=self.progress.epoch
        )
        first = (self.progress.epoch - 1) * per_epoch
        waiting = dict(enumerate(batches, start=first + 1))
        waiting = {number: waiting[number] for number in waiting if number > self.progress.step}
        self.meter.choose({n: max(lengths[at] for at in waiting[n]) for n in waiting})
        for number, places in waiting.items():
            parts = parts_of(places, self.settings.accumulate)
            batches_of_step = [self.train_feed.batch(part) for part in parts]
            learnt = [b for b in batches_of_step if self.progress.findings.add_batch(b)]
            if not learnt:
                continue
            step = [batch.to(self.model.device) for batch in learnt]
            self.meter.begin(number, step)
            yield number, step

    def _after_step(self, step: Step) -> None:
        if not step.skipped:
            self.method.after_step(self.model, step.number)
        self.progress.add(step)
        self.progress.findings.add_loss(step.number, self.steps, step.loss)
        if not step.skipped and step.number - self.progress.scale.skipped == SETTLED:
            self.watch.look(self.progress.findings)
        if step.number % max(1, self.steps // LOGGED_STEPS) == 0:
            self.log.write(
                "step",
                epoch=self.progress.epoch,
                step=step.number,
                loss=step.loss,
                learning_rate=step.learning_rate,
                gradient_norm=None if step.skipped else step.gradient_norm,
                seconds=round(self.stopwatch.total(), 3),
            )
        if self.stop():
            self._checkpoint()
            raise Interrupted
        if time.monotonic() - self._last_checkpoint >= self.checkpoint_seconds:
            self._checkpoint()

    def _checkpoint(self) -> None:
        with self.stopwatch.phase("save"):
            state = {**asdict(self.progress), "seconds": self.stopwatch.seconds}
            save_checkpoint(
                self.checkpoints,
                self.model.module,
                self.optimizer,
                Checkpoint(state, self.best, self.method.state(self.model)),
            )
        self._last_checkpoint = time.monotonic()

    def _evaluate(self) -> None:
        with self.stopwatch.phase("evaluate"), self.meter.watching(self.optimizer):
            predictions = predict_feed(
                self.model, self.validation_feed, entering=self.meter.evaluating
            )
            validation = self.score(predictions)
        self.progress.findings.add_answers(self.progress.epoch, predictions)
        record = self.progress.close_epoch(validation)
        self.log.write(
            "evaluation",
            step=self.progress.step,
            **record,
            seconds=round(self.stopwatch.total(), 3),
        )
        if self.settings.choose == "best" and self._is_best():
            self.progress.best_epoch = record["epoch"]
            self.best = trained_tensors(self.model.module)

    def _is_best(self) -> bool:
        """Whether the last epoch beats every earlier one; the loss decides between equal scores."""
        *earlier, last = [self._rank(record) for record in self.progress.epochs]
        return all(last > rank for rank in earlier)

    def _rank(self, record: dict[str, Any]) -> tuple[float, float]:
        name = self.task.metrics[0]
        score = record["validation"][name]
        return (-math.inf if score is None else upward(name, score), -record["validation"]["loss"])

    def _out_of_patience(self) -> bool:
        patience = self.settings.patience
        if patience is None or not self.progress.epochs:
            return False
        ranks = [self._rank(record) for record in self.progress.epochs]
        return len(ranks) - 1 - ranks.index(max(ranks)) >= patience


def training_mode(model: Model) -> None:
    """Training mode for what is trained; a trunk stays as it is used where no trained number
    lies in it or, as a prompt's do, before it. Running averages of a batch norm stay as they were
    pretrained: they are no trained numbers, and no artefact or checkpoint holds them.
    """
    model.module.train()
    for layer in model.module.modules():
        if isinstance(layer, _BatchNorm):
            layer.eval()
    trained = [name for name, weight in model.module.named_parameters() if weight.requires_grad]
    inside = tuple(f"{path}." for path in model.trunks.values())
    if any(name not in model.head and not name.startswith(inside) for name in trained):
        return
    for path in model.trunks.values():
        if not any(name.startswith(f"{path}.") for name in trained):
            model.module.get_submodule(path).eval()


def parameter_counts(module: nn.Module, head: Sequence[str]) -> ParameterCounts:
    """How many parameters there are: all, the trainable ones, the head's."""
    named = dict(module.named_parameters())  # shared parameters appear once
    return ParameterCounts(
        total=sum(weight.numel() for weight in named.values()),
        trainable=sum(weight.numel() for weight in named.values() if weight.requires_grad),
        head=sum(named[name].numel() for name in head if name in named),
    )
