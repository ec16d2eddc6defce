"""A trial, from its settings to files on the disk."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from tunewise.core.disk import is_full
from tunewise.core.environment import environment
from tunewise.core.files import mark_complete, remove_folder, write_json
from tunewise.costs.measure import Stopwatch, peak_resident_bytes
from tunewise.costs.memory import held_tensors
from tunewise.data.examples import Example, Prediction
from tunewise.methods.base import Adaptation, Direct
from tunewise.training.adapt import Interrupted, Progress, Training, parameter_counts
from tunewise.training.assembly import Feeds, Parts, prepared_model
from tunewise.training.log import TrialLog
from tunewise.training.meter import TrialMeter
from tunewise.training.outcome import SCHEMA, described, folder_bytes, status_of, write_predictions
from tunewise.training.predictor import predict_feed
from tunewise.training.seeds import derive

CHECKPOINT_SECONDS = 60.0


class Trial:
    """Trains or fits one contender at one point with one seed, and scores it on validation."""

    def __init__(self, job: dict[str, Any], study_folder: Path, stop: Callable[[], bool]) -> None:
        self.id: str = job["id"]
        self.checkpoint_seconds: float = job.get("checkpoint_seconds", CHECKPOINT_SECONDS)
        self.folder = study_folder / "trials" / self.id
        self.weights = study_folder / "weights" / self.id
        self.parts = Parts.of(job["settings"], study_folder)
        self.stop = stop
        self.started = datetime.now(UTC)
        self.stopwatch = Stopwatch()
        self.meter = TrialMeter()
        self.log = TrialLog(self.folder / "log.jsonl")
        self.result: dict[str, Any] = {
            "schema": SCHEMA,
            "id": self.id,
            "settings": job["settings"],
            "status": "done",
            "error": None,
            "flags": [],
            "metrics": {},
            "best_epoch": None,
            "epochs": [],
            "parameters": None,
            "steps": 0,
            "tokens": None,
            "truncated_share": {},
        }

    def run(self) -> str:
        status, error = self._attempt()
        if status == "out-of-memory" and self._halve_parts():
            status, error = self._attempt()
        if status != "interrupted":
            self.result["status"], self.result["error"] = status, error
            self._finish()
        return status

    def _attempt(self) -> tuple[str, str | None]:
        """Status and error, as texts: an exception kept would keep the model in memory too."""
        try:
            self._train_and_score()
        except Interrupted:
            return "interrupted", None
        except Exception as error:
            if is_full(error):
                raise
            return status_of(error), described(error)
        return "done", None

    def _train_and_score(self) -> None:
        with self.stopwatch.phase("load"):
            train = self.parts.examples("train")
            validation = self.parts.examples("validation")
        match self.parts.method:
            case Adaptation() as method:
                predictions = self._adapt(method, train, validation)
            case Direct() as method:
                predictions = self._fit(method, train, validation)
        self.result["metrics"]["validation"] = self.parts.score(predictions, validation)
        write_predictions(self.folder, "validation", predictions, validation)

    def _halve_parts(self) -> bool:
        """Once, compute each step in twice as many parts: the same batch in half the memory."""
        training = self.parts.training
        if training.batch_size < 2 * training.accumulate:
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
            predictor = method.fit(train, self.parts.options, model=model, seed=seed)
        with self.stopwatch.phase("evaluate"):
            predictions = predictor.predict(validation)
        with self.stopwatch.phase("save"):
            remove_folder(self.weights)
            predictor.save(self.weights)
        return predictions

    def _adapt(
        self, method: Adaptation, train: Sequence[Example], validation: Sequence[Example]
    ) -> list[Prediction]:
        with self.stopwatch.phase("load"):
            model = prepared_model(self.parts, method)
            limit = self.parts.max_length(model)
            encode = self.parts.task.encode
            encoded = encode(train, model.coder, max_length=limit)
            encoded_validation = encode(validation, model.coder, max_length=limit)
            self.result["parameters"] = parameter_counts(model.module, model.head)
            self.result["truncated_share"] = {
                split: sum(item.full_length > limit for item in items) / len(items)
                for split, items in {"train": encoded, "validation": encoded_validation}.items()
            }
        with self.stopwatch.phase("features"):
            feeds = Feeds(self.parts, model, encoded)
            train_feed = feeds.feed("train", encoded)
            validation_feed = feeds.feed("validation", encoded_validation)
        self.meter = TrialMeter(held_tensors(model.module))
        with feeds.trunk_out():
            progress = Training(
                task=self.parts.task,
                model=model,
                groups=method.groups(model),
                settings=self.parts.training,
                learning_rate=self.parts.training.learning_rate or method.learning_rate,
                seed=self.parts.seed,
                train_feed=train_feed,
                validation_feed=validation_feed,
                score=lambda predictions: self.parts.score(predictions, validation),
                checkpoints=self.weights / "checkpoint",
                checkpoint_seconds=self.checkpoint_seconds,
                log=self.log,
                stopwatch=self.stopwatch,
                stop=self.stop,
                meter=self.meter,
            ).run()
            with self.stopwatch.phase("evaluate"):
                predictions = predict_feed(model, validation_feed)
        self._record(progress, predictions)
        with self.stopwatch.phase("save"):
            method.save(model, self.weights)
            remove_folder(self.weights / "checkpoint")
        return predictions

    def _record(self, progress: Progress, predictions: Sequence[Prediction]) -> None:
        self.result["best_epoch"] = progress.best_epoch or len(progress.epochs)
        self.result["epochs"] = progress.epochs
        self.result["steps"] = progress.step
        self.result["tokens"] = {"real": progress.real_tokens, "padded": progress.padded_tokens}
        if len({prediction.choice for prediction in predictions}) == 1:
            self.result["flags"].append("degenerate")  # one answer for every example

    def _finish(self) -> None:
        if self.result["status"] == "done":
            mark_complete(self.weights)
        else:
            remove_folder(self.weights)
        self.log.write("end", status=self.result["status"])
        write_json(self.folder / "result.json", self.result)
        write_json(self.folder / "costs.json", self._costs())
        mark_complete(self.folder)

    def _costs(self) -> dict[str, Any]:
        tokens = self.result["tokens"]
        train_seconds = self.stopwatch.seconds.get("train", 0.0)
        return {
            "schema": SCHEMA,
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": {**self.stopwatch.seconds, "total": self.stopwatch.total()},
            "bytes": {
                "peak_resident": peak_resident_bytes(),
                "artefact": folder_bytes(self.weights),
            },
            **self.meter.costs(),
            "parts_of_a_step": self.parts.training.accumulate,
            "tokens_per_second": tokens["real"] / train_seconds if tokens else None,
            "threads": torch.get_num_threads(),
            "host": platform.node(),
            "environment": environment(),
        }
