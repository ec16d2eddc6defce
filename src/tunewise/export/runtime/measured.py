"""The same examples answered before and after a conversion, compared example by example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tunewise.core.canonical import JSONObject
from tunewise.costs.latency import timed
from tunewise.data.examples import Example
from tunewise.export.runtime.onnx_file import OnnxClassifier
from tunewise.statistics.comparison import compare
from tunewise.statistics.intervals import Interval
from tunewise.statistics.metrics import METRICS
from tunewise.store.answers import Answers, row_scores
from tunewise.store.trial_records import LatencyRecord
from tunewise.tasks.base import Encoded
from tunewise.training.predictor import EVALUATION_BATCH, ModelPredictor

BEFORE, AFTER = "trained", "converted"


@dataclass(frozen=True)
class Conversion:
    """What a conversion changed, by the study's first metric, or the first that answers tell.

    `difference` is converted minus trained, `interval` its 95 % interval over the examples, both
    None where the metric is undefined. `largest` is the largest difference of a probability.
    """

    split: str
    metric: str
    examples: int
    trained: float | None
    converted: float | None
    difference: float | None
    interval: Interval | None
    same_answers: float  # fraction of the examples
    largest: float | None = None
    bytes: int | None = None
    at_one: LatencyRecord | None = None
    at_best: LatencyRecord | None = None
    runtime: str = ""  # what the reader must know of what answered, as sentences

    def worse_by(self) -> float:
        """How much worse the converted answers score, in the metric's unit; below 0 if better."""
        if self.difference is None:
            return 0.0
        return -self.difference if METRICS[self.metric].higher_is_better else self.difference

    def as_json(self) -> JSONObject:
        latency = {
            name: getattr(self, name) and getattr(self, name).as_json()
            for name in ("at_one", "at_best")
        }
        return {**asdict(self), **latency}


def compared(before: Answers, after: Answers, *, metric: str, split: str) -> Conversion:
    """The difference of two columns of answers to the same examples, in the same order."""
    rows = [row_scores(BEFORE, {0: before}), row_scores(AFTER, {0: after})]
    found = compare(rows, metric, rng=np.random.default_rng(0), family=[(AFTER, BEFORE)])
    means = {row.name: row.mean for row in found.rows}
    pair = next((one for one in found.pairs if {one.row, one.other} == {AFTER, BEFORE}), None)
    if pair and pair.row != AFTER:
        pair = pair.turned()
    largest = None
    if before.probabilities is not None and after.probabilities is not None:
        largest = float(np.abs(before.probabilities - after.probabilities).max())
    return Conversion(
        split=split,
        metric=metric,
        examples=len(before.ids),
        trained=means[BEFORE],
        converted=means[AFTER],
        difference=pair.difference if pair else None,
        interval=pair.items.interval if pair else None,
        same_answers=_same(before, after),
        largest=largest,
    )


def _same(before: Answers, after: Answers) -> float:
    """The fraction of examples with the same class, or the same text where one was written."""
    if before.written:
        return float(np.mean([a == b for a, b in zip(before.written, after.written, strict=True)]))
    return float(np.mean(before.choices == after.choices))


class Converted:
    """A classifier in onnxruntime that reads examples as the contender does."""

    def __init__(self, predictor: ModelPredictor, session: OnnxClassifier) -> None:
        self.predictor, self.session = predictor, session

    def encoded(self, examples: Sequence[Example]) -> Sequence[Encoded]:
        processor = self.predictor.model.processor
        return self.predictor.task.encode(examples, processor, max_length=self.predictor.max_length)

    def logits(self, examples: Sequence[Encoded]) -> NDArray[np.float32]:
        batch = self.predictor.task.collate(examples, self.predictor.model.processor)
        return self.session.logits(batch.inputs)

    def answers(self, examples: Sequence[Example]) -> Answers:
        """Choices and probabilities, in the order of the examples, all of which have labels."""
        encoded = self.encoded(examples)
        parts = range(0, len(encoded), EVALUATION_BATCH)
        logits = np.concatenate([self.logits(encoded[at : at + EVALUATION_BATCH]) for at in parts])
        probabilities = torch.from_numpy(logits).double().softmax(-1).numpy()
        return Answers(
            ids=tuple(example.id for example in examples),
            labels=np.array([example.label for example in examples]),
            choices=logits.argmax(-1),
            probabilities=probabilities,
        )

    def latency(self, examples: Sequence[Example]) -> tuple[LatencyRecord, LatencyRecord]:
        """Tokenizing apart: of the model alone, from the longest examples on."""
        encoded = sorted(self.encoded(examples), key=lambda one: -one.length)
        return timed(self.logits, encoded)
