"""The sealed test: opened once for each chosen trial, after all choosing is done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tunewise.core.files import write_json
from tunewise.costs.latency import timed
from tunewise.costs.measure import Stopwatch
from tunewise.data.examples import Example, Prediction
from tunewise.methods.base import Predictor
from tunewise.store.aside import OPENED
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job
from tunewise.store.trials import write_test
from tunewise.training.assembly import Feeds, Parts
from tunewise.training.finished import load_predictor
from tunewise.training.outcome import write_predictions
from tunewise.training.predictor import ModelPredictor, predict_feed

TIMED = 20  # examples whose answers are timed, of each batch size


class SealedTest:
    """Opens the test split for one chosen trial, once, and writes what came out."""

    def __init__(self, job: Job, study_folder: Path) -> None:
        self.id = job.id
        self.study = StudyFolder(study_folder)
        self.folder = self.study.test_folder(self.id)
        self.parts = Parts.of(job.settings, study_folder)

    def run(self) -> str:
        weights = self.study.weights(self.id)  # damaged ones raise before anything is opened
        stopwatch = Stopwatch()
        with stopwatch.phase("load"):
            predictor = load_predictor(self.parts, weights)
        with stopwatch.phase("latency"):
            latency = timed(predictor.predict, self.parts.examples("validation"), most=TIMED)
        openings = self._note_opening()
        with stopwatch.phase("evaluate"):
            examples = self.parts.examples("test")
            predictions = self._predict(predictor, examples)
        write_predictions(self.folder, "test", self.parts.task, predictions, examples)
        scores = self.parts.score(predictions, examples)
        write_test(
            self.folder,
            metrics=scores,
            openings=openings,
            seconds=stopwatch.seconds,
            latency=latency,
        )
        return "done"

    def _note_opening(self) -> list[str]:
        """Write down that the split is opened before it is, so that no opening goes unseen."""
        before = self.study.openings(self.id)
        openings = [*before, datetime.now(UTC).isoformat(timespec="seconds")]
        write_json(self.folder / OPENED, openings)
        return openings

    def _predict(self, predictor: Predictor, examples: Sequence[Example]) -> list[Prediction]:
        if not isinstance(predictor, ModelPredictor):
            return predictor.predict(examples)
        model, task = predictor.model, predictor.asked
        encoded = task.encode(examples, model.processor, max_length=predictor.max_length)
        feeds = Feeds(self.parts, model, encoded)
        feed = feeds.feed("test", encoded)
        with feeds.backbone_out():
            return predict_feed(model, feed, thorough=True)
