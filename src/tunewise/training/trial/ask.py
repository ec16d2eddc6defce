"""Asking a model as it is: untuned, or with examples in its prompt."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.core.files import remove_folder
from tunewise.costs.parameters import parameter_counts
from tunewise.data.examples import Example, Prediction
from tunewise.methods.base import AsIs
from tunewise.training.assembly import prepared_model
from tunewise.training.encoded_split import Feed
from tunewise.training.predictor import predict_feed
from tunewise.training.seeds import derive
from tunewise.training.trial.work import TrialWork


def ask(
    work: TrialWork, method: AsIs, train: Sequence[Example], validation: Sequence[Example]
) -> list[Prediction]:
    """Answer validation, with examples of `train` shown where the method shows some."""
    parts, phase = work.parts, work.stopwatch.phase
    with phase("load"):
        model = prepared_model(parts, method)
        limit = parts.max_length(model)
        shown = method.shown(train, derive(parts.seed, "method"))
        task = parts.task.showing(shown)
        encoded = task.encode(validation, model.processor, max_length=limit)
        work.note(parameters=parameter_counts(model.module, model.head))
        work.note_lengths({"validation": encoded}, limit)
    with phase("evaluate"):
        feed = Feed(task, model.processor, encoded, seed=parts.seed)
        predictions = predict_feed(model, feed, thorough=True)
    with phase("save"):
        remove_folder(work.weights)
        method.save(model, work.weights)
        method.save_shown(shown, work.weights)
    return predictions
