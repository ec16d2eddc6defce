"""Fitting a method that needs no steps: majority, TF-IDF, the nearest neighbor."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.core.files import remove_folder
from tunewise.data.examples import Example, Prediction
from tunewise.methods.base import Direct
from tunewise.training.seeds import derive
from tunewise.training.trial.work import TrialWork


def fit(
    work: TrialWork, method: Direct, train: Sequence[Example], validation: Sequence[Example]
) -> list[Prediction]:
    """Fit the method, answer validation, save what was fitted."""
    parts, phase = work.parts, work.stopwatch.phase
    with phase("load"):
        model = parts.build_model()
    with phase("train"):
        seed = derive(parts.seed, "method")
        predictor = method.fit(train, parts.options, validation=validation, model=model, seed=seed)
    with phase("evaluate"):
        predictions = predictor.predict(validation)
    with phase("save"):
        remove_folder(work.weights)
        predictor.save(work.weights)
    return predictions
