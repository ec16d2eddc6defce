"""Training what a method adds to a model, or the model itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from tunewise.backbones.model import Model
from tunewise.core.errors import InputError, Problem
from tunewise.core.files import remove_folder
from tunewise.costs.memory import held_tensors
from tunewise.costs.parameters import parameter_counts
from tunewise.data.examples import Example, Prediction
from tunewise.methods.base import Adaptation
from tunewise.store.records import ParameterCounts
from tunewise.store.trial_records import EpochRecord, TokenCounts
from tunewise.tasks.base import Encoded
from tunewise.training.assembly import Feeds, prepared_model
from tunewise.training.checkpoint import put_back, remove_after, trained_tensors
from tunewise.training.checks.answers import StartCheck, merge_check
from tunewise.training.checks.findings import checks_of, guarded
from tunewise.training.checks.weights import all_saved, as_promised
from tunewise.training.encoded_split import Feed
from tunewise.training.linear_head import MOST_FITS, solve
from tunewise.training.loop import Diverged, Interrupted, Training
from tunewise.training.predictor import predict_feed
from tunewise.training.ranks.sharding import shard, whole
from tunewise.training.settings import SOLVER
from tunewise.training.trial.work import Loaded, TrialWork
from tunewise.training.trial_profiler import TrialProfiler


class Splits(NamedTuple):
    """What is trained on and what is answered, and the examples of the second."""

    train: Feed
    validation: Feed
    examples: Sequence[Example]


def adapt(
    work: TrialWork, method: Adaptation, train: Sequence[Example], validation: Sequence[Example]
) -> list[Prediction]:
    """Train, answer validation, save; on the way to a step, what its weights answer."""
    with work.stopwatch.phase("load"):
        start, model = work.loaded or load(work, train)
        limit, task = work.parts.max_length(model), work.parts.task
        encoded = {
            "train": task.encode(train, model.processor, max_length=limit, learning=True),
            "validation": task.encode(validation, model.processor, max_length=limit),
        }
        work.note_lengths(encoded, limit)
        _note_left_out(work, train, encoded["train"])
        counts = _examine(work, method, start, model)
        if work.shards:
            work.ranks = shard(model, work.ranks)
    with work.stopwatch.phase("features"):
        feeds = Feeds(work.parts, model, encoded["train"])
        with work.ranks.first_before_others():
            splits = Splits(
                train=feeds.feed("train", encoded["train"]),
                validation=feeds.feed("validation", encoded["validation"]),
                examples=validation,
            )
    work.profiler = _profiler(work, model)
    if work.until is None:
        with work.stopwatch.phase("features"):
            feeds.pass_once(encoded["train"], work.profiler.backbone)
    with feeds.backbone_out():
        predictions = None
        if work.parts.training.optimizer == SOLVER:
            _solve(work, model, splits)
        else:
            predictions = _train(work, method, model, splits)
        if work.until is not None:
            return _at_rung(work, model, splits)
        if predictions is None or not task.has_one_way:
            with work.stopwatch.phase("evaluate"):
                predictions = predict_feed(
                    model,
                    splits.validation,
                    thorough=True,
                    phase=work.profiler.evaluation,
                    ranks=work.ranks,
                )
    if len({prediction.answer for prediction in predictions}) == 1:
        work.note(flags=(*work.result.flags, "degenerate"))
    with work.stopwatch.phase("save"):
        _save(work, method, model, start, counts)
    return predictions


def load(work: TrialWork, train: Sequence[Example]) -> Loaded:
    """The adapted model, and what it answered before; whole, if it will be sharded."""
    method = work.parts.method
    assert isinstance(method, Adaptation)
    start = StartCheck(work.parts.task, train)
    model = prepared_model(work.parts, method, before=start, stays=work.shards)
    return Loaded(start, model)


def _note_left_out(work: TrialWork, train: Sequence[Example], encoded: Sequence[Encoded]) -> None:
    """Name the examples that nothing is learned from, as their answer does not fit.

    Raises:
        InputError: nothing is left to learn from.
    """
    if not encoded:
        raise InputError([Problem("train", "no example fits with its answer: max_length.")])
    if len(encoded) == len(train):
        return
    kept = {one.id for one in encoded}
    left_out = tuple(example.id for example in train if example.id not in kept)
    if left_out:
        work.note(left_out={**(work.result.left_out or {}), "train": left_out})


def _examine(
    work: TrialWork, method: Adaptation, start: StartCheck, model: Model
) -> ParameterCounts:
    """Count the parameters, and check that the model is what was promised of it."""
    counts = parameter_counts(model.module, model.head, in_four_bits=model.in_four_bits)
    quantized = work.parts.training.quantize is not None
    checks = (
        as_promised(model.module, model.head, work.promised),
        guarded(
            lambda: start.check(model, promised=method.starts_at_base, quantized=quantized),
            "start",
        ),
    )
    work.note(parameters=counts, checks=checks)
    return counts


def _profiler(work: TrialWork, model: Model) -> TrialProfiler:
    """Of slices, which come and go, nothing is counted, nor of steps that others take part in."""
    counted = work.ranks.is_first and not work.shards and not work.ranks.together
    held = held_tensors(model.module) if counted else []
    return TrialProfiler(held, work.parts.training.precision)


def _solve(work: TrialWork, model: Model, splits: Splits) -> None:
    work.log.write("start", steps=MOST_FITS)
    fits = count(1)

    def on_fit() -> None:
        work.log.write("step", step=next(fits), seconds=round(work.stopwatch.total(), 3))
        if work.stop():
            raise Interrupted  # it takes seconds, and begins again

    classes = len(work.parts.options)
    with work.stopwatch.phase("train"):
        solution = solve(model, splits.train, splits.validation, classes=classes, on_fit=on_fit)
    work.note(
        steps=solution.iterations,
        ended="convergence" if solution.converged else "limit",
        regularization=solution.path,
    )


def _train(
    work: TrialWork, method: Adaptation, model: Model, splits: Splits
) -> list[Prediction] | None:
    """Train; what the weights that are left answered to validation, where that is known.

    A trial that went on behind its best epoch, or stopped at a step, has not asked them.
    """
    checkpoints, settings = work.weights / "checkpoint", work.parts.training
    if work.until is not None:
        with work.ranks.first_before_others():
            remove_after(checkpoints, work.until)
    training = Training(
        task=work.parts.task,
        model=model,
        method=method,
        settings=settings,
        learning_rate=settings.learning_rate or method.learning_rate,
        seed=work.parts.seed,
        train_feed=splits.train,
        validation_feed=splits.validation,
        validation=splits.examples,
        checkpoints=checkpoints,
        checkpoint_seconds=work.checkpoint_seconds,
        log=work.log,
        stopwatch=work.stopwatch,
        stop=work.stop,
        profiler=work.profiler,
        until=work.until,
        ranks=work.ranks,
    )
    with work.ranks.training(model, work.stopwatch):
        progress = training.run()
    if work.until is not None:
        work.note(steps=progress.step)
        return None
    work.note(
        best_epoch=progress.best_epoch or len(progress.epochs),
        epochs=tuple(map(EpochRecord.from_json, progress.epochs)),
        steps=progress.step,
        tokens=TokenCounts(progress.real_tokens, progress.padded_tokens),
    )
    if progress.standing.ended is not None:
        work.note(ended=progress.standing.ended)
    if settings.precision == "float16":
        work.note(skipped_steps=progress.scale.skipped)
    work.add_checks(*checks_of(progress.findings, steps=progress.step, epochs=len(progress.epochs)))
    return training.answers


def _at_rung(work: TrialWork, model: Model, splits: Splits) -> list[Prediction]:
    """What the weights of this step answer; the training resumes from its checkpoint."""
    with work.stopwatch.phase("evaluate"):
        predictions = predict_feed(model, splits.validation, choosing=True, ranks=work.ranks)
    losses = tuple(work.parts.task.comparable_losses(predictions, splits.examples))
    if not all(map(math.isfinite, losses)):
        raise Diverged(work.until or 0, None)
    work.note(losses=losses)
    return predictions


def _save(
    work: TrialWork,
    method: Adaptation,
    model: Model,
    start: StartCheck,
    counts: ParameterCounts,
) -> None:
    """Write what was trained, by the first rank; the check of merging then spends the model."""
    if work.shards:
        model = _whole(work, method, model)
    if not work.ranks.is_first:
        return
    method.save(model, work.weights)
    if method.saves_all:
        work.add_checks(all_saved(work.weights, counts.trainable))
    remove_folder(work.weights / "checkpoint")
    task, computed_in = work.parts.task, work.parts.training.precision
    work.add_checks(
        guarded(
            lambda: merge_check(method, model, task, start.examples, computed_in=computed_in),
            "merge",
        )
    )


def _whole(work: TrialWork, method: Adaptation, model: Model) -> Model:
    """What the ranks have trained in slices, put into the whole model on the first one's CPU.

    What is frozen is read again, as it was. The others are given what they had.
    """
    trained = whole(trained_tensors(model.module), work.ranks)
    if work.ranks.is_first:
        model = prepared_model(work.parts, method, stays=True)
        put_back(model.module, trained)
    return model
