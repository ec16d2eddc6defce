"""What it costs to hand a contender over in other numbers than it was trained with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewise.core.format import percent
from tunewise.data.examples import Example
from tunewise.methods.base import Predictor
from tunewise.training.assembly import Parts, rounds_frozen
from tunewise.training.finished import load_exported, load_predictor
from tunewise.training.predictor import ModelPredictor

EXAMPLES = 200  # at most


@dataclass(frozen=True)
class KeptAnswers:
    """Answers to validation examples, and their score, as trained and as handed over."""

    examples: int
    same: int
    metric: str
    trained: float | None
    handed_over: float | None

    def __str__(self) -> str:
        return (
            f"Of {self.examples} validation examples the folder answers {self.same} as the "
            f"contender did when it was trained; {self.metric} was "
            f"{percent(self.trained)} and is {percent(self.handed_over)} percent"
        )


def is_rounded(parts: Parts, predictor: Predictor) -> bool:
    """Whether the training had, and so the folder may have, numbers of fewer bits than float32."""
    return isinstance(predictor, ModelPredictor) and rounds_frozen(parts.training)


def kept_answers(
    parts: Parts, weights: Path, folder: Path, examples: Sequence[Example]
) -> KeptAnswers:
    """Answer as the trial did, from its `weights`, and from the exported folder."""
    examples = list(examples[:EXAMPLES])
    trained = load_predictor(parts, weights).predict(examples)
    handed_over = load_exported(folder).predict(examples)
    metric = parts.task.metrics[0]
    return KeptAnswers(
        examples=len(examples),
        same=sum(
            one.answer == other.answer for one, other in zip(trained, handed_over, strict=True)
        ),
        metric=metric,
        trained=parts.score(trained, examples)[metric],
        handed_over=parts.score(handed_over, examples)[metric],
    )
