"""A trial, from its settings to files on the disk."""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import torch

from tunewise.backbones.model import Model
from tunewise.core.canonical import JSONObject
from tunewise.core.environment import environment
from tunewise.core.errors import InputError, Problem
from tunewise.core.files import COMPLETE, is_complete, mark_complete, remove_folder, sha256_of
from tunewise.core.outside import is_outside
from tunewise.costs.measure import Stopwatch, peak_resident_bytes
from tunewise.costs.memory import held_tensors
from tunewise.costs.parameters import parameter_counts
from tunewise.costs.scarce import limited
from tunewise.data.examples import Example, Prediction
from tunewise.methods.base import Adaptation, AsIs, Direct
from tunewise.store.identity import trial_of
from tunewise.store.trial_records import (
    Check,
    EpochRecord,
    Job,
    TokenCounts,
    TrialBytes,
    TrialCosts,
    TrialResult,
)
from tunewise.store.trials import write_trial
from tunewise.tasks.base import Encoded
from tunewise.tasks.encoded_texts import full_lengths
from tunewise.training.assembly import Feeds, Parts, prepared_model
from tunewise.training.checkpoint import put_back, remove_after, trained_tensors
from tunewise.training.checks.answers import StartCheck, merge_check
from tunewise.training.checks.findings import checks_of, guarded
from tunewise.training.checks.weights import all_saved, as_promised
from tunewise.training.encoded_split import Feed
from tunewise.training.linear_head import MOST_FITS, solve
from tunewise.training.log import NoLog, TrialLog
from tunewise.training.loop import Diverged, Interrupted, Training
from tunewise.training.outcome import described, folder_bytes, status_of, write_predictions
from tunewise.training.predictor import predict_feed
from tunewise.training.ranks.group import ALONE, Ranks, joined
from tunewise.training.ranks.launch import side_by_side
from tunewise.training.ranks.sharding import shard, whole
from tunewise.training.seeds import derive
from tunewise.training.settings import SOLVER
from tunewise.training.trial_profiler import TrialProfiler

CHECKPOINT_SECONDS = 60.0
NO_FIXED_ORDER = "does not have a deterministic implementation"  # of a GPU's kernel, by torch


class Loaded(NamedTuple):
    """What a trial trains, before any step."""

    start: StartCheck
    model: Model


class TrialRun:
    """Trains or fits one contender at one point with one seed, and scores it on validation."""

    def __init__(
        self, job: Job, study_folder: Path, stop: Callable[[], bool], ranks: Ranks = ALONE
    ) -> None:
        self.id, self.until = job.id, job.until
        self.promised, self.memory_limit = job.promised, job.memory_limit
        self.checkpoint_seconds = CHECKPOINT_SECONDS
        if job.checkpoint_seconds is not None:
            self.checkpoint_seconds = job.checkpoint_seconds
        # On its way to a step a trial writes the log and checkpoints of the whole training, which
        # resumes from them; once that is finished they are closed, and it keeps its own.
        whole = trial_of(self.id)
        name = self.id if is_complete(study_folder / "trials" / whole) else whole
        self.folder = study_folder / "trials" / self.id
        self.weights = study_folder / "weights" / name
        self.parts = Parts.of(job.settings, study_folder)
        self.processes = job.ranks
        self.ranks = ranks
        self.stop = stop
        self.started = datetime.now(UTC)
        self.stopwatch = Stopwatch()
        self.profiler = TrialProfiler()
        self.log = TrialLog(study_folder / "trials" / name / "log.jsonl")
        self.result = TrialResult(self.id, job.settings, steps=0)  # as far as it has come
        self.measured: TrialCosts | None = None  # by another process, which computed it
        self.loaded: Loaded | None = None  # before there were several

    def run(self) -> str:
        status, error = self._attempt()
        if status == "out-of-memory" and self._halve_parts():
            status, error = self._attempt()
        if status == "failed" and NO_FIXED_ORDER in (error or ""):
            torch.use_deterministic_algorithms(True, warn_only=True)
            self._note(flags=(*self.result.flags, "unrepeatable"))
            status, error = self._attempt()
        if status != "interrupted":
            self._note(status=status, error=error)
            self._finish()
        return status

    def _note(self, **found: Any) -> None:
        """Write down what the trial has found out: fields of its result."""
        self.result = replace(self.result, **found)

    def _attempt(self) -> tuple[str, str | None]:
        """Status and error, as texts: an exception kept would keep the model in memory too."""
        if self.processes == 1:
            return self._computed()
        try:
            if self.shards:  # all of them then share the memory of one whole model
                self.parts.check_model()
                self.loaded = self._load(self.parts.examples("train"))
            report = side_by_side(self.processes, self._as_a_rank, self.stop)
        except Exception as error:
            if is_outside(error):
                raise
            return status_of(error), str(error)
        finally:
            self.loaded = None
        self.result = TrialResult.from_json(report["result"])
        self.measured = TrialCosts.from_json(report["costs"])
        return report["status"], report["error"]

    def _as_a_rank(self, rank: int, meeting: Path, stop: Callable[[], bool]) -> JSONObject:
        """Compute the trial as one of its processes, of which the first writes."""
        self.stop, self.ranks = stop, joined(rank, self.processes, meeting)
        if not self.ranks.is_first:
            self.log = NoLog()
        status, error = self._computed()
        result, costs = self.result.as_json(), self._costs().as_json()
        return {"status": status, "error": error, "result": result, "costs": costs}

    def _computed(self) -> tuple[str, str | None]:
        try:
            with limited(self.memory_limit):
                self._train_and_score()
        except Interrupted:
            return "interrupted", None
        except Exception as error:
            status = status_of(error)
            for_want_of_room = status == "out-of-memory" and self.ranks.together
            if is_outside(error) or for_want_of_room:
                raise  # it says nothing about the trial, so it is not its result
            return status, described(error)
        return "done", None

    def _train_and_score(self) -> None:
        with self.stopwatch.phase("load"):
            self.parts.check_model()
            train = self.parts.examples("train")
            validation = self.parts.examples("validation")
        match self.parts.method:
            case Adaptation() as method:
                predictions = self._adapt(method, train, validation)
            case AsIs() as method:
                predictions = self._ask(method, train, validation)
            case Direct() as method:
                predictions = self._fit(method, train, validation)
        self._note(metrics={"validation": self.parts.score(predictions, validation)})
        if self.ranks.is_first:
            write_predictions(self.folder, "validation", self.parts.task, predictions, validation)

    def _halve_parts(self) -> bool:
        """Once, compute each step in twice as many parts: the same batch in half the memory."""
        training = self.parts.training
        if training.batch_size < 2 * training.parts:
            return False
        self.parts.training = replace(training, accumulate=2 * training.accumulate)
        remove_folder(self.weights)
        torch.cuda.empty_cache()  # does nothing where there is no GPU
        return True

    def _fit(
        self, method: Direct, train: Sequence[Example], validation: Sequence[Example]
    ) -> list[Prediction]:
        with self.stopwatch.phase("load"):
            model = self.parts.build_model()
        with self.stopwatch.phase("train"):
            seed = derive(self.parts.seed, "method")
            predictor = method.fit(
                train, self.parts.options, validation=validation, model=model, seed=seed
            )
        with self.stopwatch.phase("evaluate"):
            predictions = predictor.predict(validation)
        with self.stopwatch.phase("save"):
            remove_folder(self.weights)
            predictor.save(self.weights)
        return predictions

    def _ask(
        self, method: AsIs, train: Sequence[Example], validation: Sequence[Example]
    ) -> list[Prediction]:
        with self.stopwatch.phase("load"):
            model = prepared_model(self.parts, method)
            limit = self.parts.max_length(model)
            shown = method.shown(train, derive(self.parts.seed, "method"))
            task = self.parts.task.showing(shown)
            encoded = task.encode(validation, model.processor, max_length=limit)
            self._note(parameters=parameter_counts(model.module, model.head))
            self._note_lengths({"validation": encoded}, limit)
        with self.stopwatch.phase("evaluate"):
            feed = Feed(task, model.processor, encoded, seed=self.parts.seed)
            predictions = predict_feed(model, feed, thorough=True)
        with self.stopwatch.phase("save"):
            remove_folder(self.weights)
            method.save(model, self.weights)
            method.save_shown(shown, self.weights)
        return predictions

    def _adapt(
        self, method: Adaptation, train: Sequence[Example], validation: Sequence[Example]
    ) -> list[Prediction]:
        with self.stopwatch.phase("load"):
            start, model = self.loaded or self._load(train)
            limit = self.parts.max_length(model)
            task = self.parts.task
            encoded = task.encode(train, model.processor, max_length=limit, learning=True)
            encoded_validation = task.encode(validation, model.processor, max_length=limit)
            self._note_lengths({"train": encoded, "validation": encoded_validation}, limit)
            self._note_left_out(train, encoded)
            counts = parameter_counts(model.module, model.head, in_four_bits=model.in_four_bits)
            checks = (
                as_promised(model.module, model.head, self.promised),
                guarded(
                    lambda: start.check(
                        model,
                        promised=method.starts_at_base,
                        quantized=self.parts.training.quantize is not None,
                    ),
                    "start",
                ),
            )
            self._note(parameters=counts, checks=checks)
            if self.shards:
                self.ranks = shard(model, self.ranks)
        with self.stopwatch.phase("features"):
            feeds = Feeds(self.parts, model, encoded)
            with self.ranks.first_before_others():
                train_feed = feeds.feed("train", encoded)
                validation_feed = feeds.feed("validation", encoded_validation)
        # Of slices, which come and go, nothing is counted, nor of steps that others take part in.
        counted = self.ranks.is_first and not self.shards and not self.ranks.together
        held = held_tensors(model.module) if counted else []
        self.profiler = TrialProfiler(held, self.parts.training.precision)
        if self.until is None:
            with self.stopwatch.phase("features"):
                feeds.pass_once(encoded, self.profiler.backbone)
        with feeds.backbone_out():
            predictions = None
            if self.parts.training.optimizer == SOLVER:
                self._solve(model, train_feed, validation_feed)
            else:
                predictions = self._train(model, method, train_feed, validation_feed, validation)
            if self.until is not None:
                return self._at_rung(model, validation_feed, validation)
            if predictions is None or not task.has_one_way:
                with self.stopwatch.phase("evaluate"):
                    predictions = predict_feed(
                        model,
                        validation_feed,
                        thorough=True,
                        phase=self.profiler.evaluation,
                        ranks=self.ranks,
                    )
        if len({prediction.answer for prediction in predictions}) == 1:
            self._note(flags=(*self.result.flags, "degenerate"))
        with self.stopwatch.phase("save"):
            if self.shards:
                model = self._whole(model, method)
            if not self.ranks.is_first:
                return predictions
            method.save(model, self.weights)
            if method.saves_all:
                self._add_checks(all_saved(self.weights, counts.trainable))
            remove_folder(self.weights / "checkpoint")
            self._add_checks(self._merge_check(method, model, start.examples))
        return predictions

    @property
    def shards(self) -> bool:
        """Whether the processes have slices of the model."""
        method = self.parts.method
        able = isinstance(method, Adaptation) and method.shards
        return able and self.processes > 1 and self.parts.training.shard

    def _load(self, train: Sequence[Example]) -> Loaded:
        """The adapted model, and what it answered before; whole, if it will be sharded."""
        method = self.parts.method
        assert isinstance(method, Adaptation)
        start = StartCheck(self.parts.task, train)
        model = prepared_model(self.parts, method, before=start, stays=self.shards)
        return Loaded(start, model)

    def _whole(self, model: Model, method: Adaptation) -> Model:
        """What the ranks have trained in slices, put into the whole model on the first one's CPU.

        What is frozen is read again, as it was. The others are given what they had.
        """
        trained = whole(trained_tensors(model.module), self.ranks)
        if self.ranks.is_first:
            model = prepared_model(self.parts, method, stays=True)
            put_back(model.module, trained)
        return model

    def _at_rung(
        self, model: Model, validation_feed: Feed, validation: Sequence[Example]
    ) -> list[Prediction]:
        """What the weights of this step answer; the training resumes from its checkpoint."""
        with self.stopwatch.phase("evaluate"):
            predictions = predict_feed(model, validation_feed, choosing=True, ranks=self.ranks)
        losses = tuple(self.parts.task.comparable_losses(predictions, validation))
        if not all(map(math.isfinite, losses)):
            raise Diverged(self.until or 0, None)
        self._note(losses=losses)
        return predictions

    def _solve(self, model: Model, train_feed: Feed, validation_feed: Feed) -> None:
        self.log.write("start", steps=MOST_FITS)
        fits = count(1)

        def on_fit() -> None:
            self.log.write("step", step=next(fits), seconds=round(self.stopwatch.total(), 3))
            if self.stop():
                raise Interrupted  # it takes seconds, and begins again

        with self.stopwatch.phase("train"):
            solution = solve(
                model, train_feed, validation_feed, classes=len(self.parts.options), on_fit=on_fit
            )
        self._note(
            steps=solution.iterations,
            ended="convergence" if solution.converged else "limit",
            regularization=solution.path,
        )

    def _train(
        self,
        model: Model,
        method: Adaptation,
        train_feed: Feed,
        validation_feed: Feed,
        validation: Sequence[Example],
    ) -> list[Prediction] | None:
        """Train; what the weights that are left answered to validation, where that is known.

        A trial that went on behind its best epoch, or stopped at a step, has not asked them.
        """
        checkpoints = self.weights / "checkpoint"
        if self.until is not None:
            with self.ranks.first_before_others():
                remove_after(checkpoints, self.until)
        training = Training(
            task=self.parts.task,
            model=model,
            method=method,
            settings=self.parts.training,
            learning_rate=self.parts.training.learning_rate or method.learning_rate,
            seed=self.parts.seed,
            train_feed=train_feed,
            validation_feed=validation_feed,
            validation=validation,
            checkpoints=checkpoints,
            checkpoint_seconds=self.checkpoint_seconds,
            log=self.log,
            stopwatch=self.stopwatch,
            stop=self.stop,
            profiler=self.profiler,
            until=self.until,
            ranks=self.ranks,
        )
        with self.ranks.training(model, self.stopwatch):
            progress = training.run()
        if self.until is not None:
            self._note(steps=progress.step)
            return None
        self._note(
            best_epoch=progress.best_epoch or len(progress.epochs),
            epochs=tuple(map(EpochRecord.from_json, progress.epochs)),
            steps=progress.step,
            tokens=TokenCounts(progress.real_tokens, progress.padded_tokens),
        )
        if progress.standing.ended is not None:
            self._note(ended=progress.standing.ended)
        if self.parts.training.precision == "float16":
            self._note(skipped_steps=progress.scale.skipped)
        self._add_checks(
            *checks_of(progress.findings, steps=progress.step, epochs=len(progress.epochs))
        )
        return training.answers

    def _merge_check(self, method: Adaptation, model: Model, examples: Sequence[Example]) -> Check:
        """Spends the model, whose artifact is written by now."""
        computed_in, task = self.parts.training.precision, self.parts.task
        return guarded(
            lambda: merge_check(method, model, task, examples, computed_in=computed_in), "merge"
        )

    def _add_checks(self, *found: Check) -> None:
        self._note(checks=(*self.result.checks, *found))

    def _note_lengths(self, encoded: Mapping[str, Sequence[Encoded]], limit: int) -> None:
        """How much is cut, and which questions do not fit at all and get no answer."""
        cut = {
            split: sum(length > limit for length in full_lengths(examples)) / max(1, len(examples))
            for split, examples in encoded.items()
        }
        self._note(truncated_share={**self.result.truncated_share, **cut})
        unfit = [example.id for example in encoded["validation"] if not example.fits]
        if unfit:
            self._note(left_out={"validation": tuple(unfit)})

    def _note_left_out(self, train: Sequence[Example], encoded: Sequence[Encoded]) -> None:
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
            self._note(left_out={**(self.result.left_out or {}), "train": left_out})

    def _finish(self) -> None:
        if self.result.status != "done" or self.weights.name != trial_of(self.id):
            remove_folder(self.weights)
        elif self.until is None:
            mark_complete(self.weights)
        if self.until is None:
            self.log.write("end", status=self.result.status)
        write_trial(self.folder, self.result, self._costs())

    def _costs(self) -> TrialCosts:
        marker = self.weights / COMPLETE
        written = sha256_of(marker) if marker.is_file() else None
        artefact = folder_bytes(self.weights)
        if self.measured is not None:
            sizes = replace(self.measured.bytes, artefact=artefact)
            return replace(self.measured, bytes=sizes, weights=written)
        tokens, step = self.result.tokens, self.profiler.costs()
        train_seconds = self.stopwatch.seconds.get("train", 0.0)
        return TrialCosts(
            started=self.started.isoformat(timespec="seconds"),
            seconds={**self.stopwatch.seconds, "total": self.stopwatch.total()},
            bytes=TrialBytes(self._peak_bytes(), artefact),
            memory=step.memory if step else None,
            flops_per_step=step.flops if step else None,
            share_of_peak=step.share_of_peak if step else None,
            step_seconds=step.seconds if step else None,
            parts_of_a_step=self.parts.training.accumulate,
            tokens_per_second=tokens.real / train_seconds if tokens else None,
            threads=torch.get_num_threads(),
            host=platform.node(),
            environment=environment(),
            weights=written,
            together=self.ranks.together,
        )

    def _peak_bytes(self) -> int | None:
        """The most that this process held; of trials that it trains together, an equal share."""
        peak = peak_resident_bytes()
        return None if peak is None else peak // max(1, len(self.ranks.together))
