"""A finished contender that answers again: the one place where saved weights become a predictor."""

from __future__ import annotations

from pathlib import Path

from tunewise.methods.base import Adaptation, Direct, Predictor
from tunewise.training.assembly import Parts, prepared_model
from tunewise.training.predictor import ModelPredictor


def load_predictor(parts: Parts, weights: Path) -> Predictor:
    """What a trial's method saved, ready to answer.

    Args:
        parts: made from the trial's settings.
        weights: the folder its method saved to.

    Raises:
        InputError: the model cannot be found, or is not the one the weights were trained on.
        DamagedFile: a file is not readable.
    """
    match parts.method:
        case Adaptation() as method:
            model = prepared_model(parts, method)
            method.load(model, weights)
            return ModelPredictor(parts.task, method, model, parts.max_length(model))
        case Direct() as method:
            return method.load(weights, model=parts.build_model())
        case method:
            raise TypeError(f"{type(method).__name__} is neither adapted nor fitted")
