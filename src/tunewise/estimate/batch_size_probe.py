"""Whether a batch fits: two real training steps on the longest examples, in this process."""

from __future__ import annotations

from pathlib import Path

import torch

from tunewise.core.files import mark_complete, write_json
from tunewise.costs.limit import OverLimit
from tunewise.costs.measure import peak_resident_bytes
from tunewise.methods.base import Adaptation
from tunewise.store.trial_records import Job
from tunewise.tasks.encoded_texts import token_lengths
from tunewise.training.assembly import Parts, prepared_model
from tunewise.training.batches import evaluation_batches, parts_of
from tunewise.training.encoded_split import Feed
from tunewise.training.loop import Learner
from tunewise.training.optimizer import make_optimizer
from tunewise.training.outcome import status_of

STEPS = 2  # in the first the optimizer has no state yet


def probe(job: Job, study_folder: Path) -> str:
    """Train on the examples of the folder, which are as many as the batch has.

    Raises:
        MemoryError: they do not fit, or the peak was over the job's limit.
    """
    parts = Parts.of(job.settings, study_folder)
    method = parts.method
    if not isinstance(method, Adaptation):
        raise TypeError(f"method '{method.name}' is not trained by the loop")
    try:
        _train(parts, method)
    except RuntimeError as error:
        if status_of(error) == "out-of-memory":
            raise MemoryError(str(error)) from error
        raise
    peak, limit = peak_resident_bytes(), job.memory_limit
    if peak is not None and limit is not None and peak > limit and not torch.cuda.is_available():
        raise OverLimit(limit)
    folder = study_folder / "trials" / job.id
    write_json(folder / "probe.json", {"peak_resident": peak})
    mark_complete(folder)
    return "done"


def _train(parts: Parts, method: Adaptation) -> None:
    model = prepared_model(parts, method)
    length = parts.max_length(model)
    encoded = parts.task.encode(parts.examples("train"), model.processor, max_length=length)
    feed = Feed(parts.task, model.processor, encoded)
    places = evaluation_batches(token_lengths(encoded), parts.training.batch_size)[0]
    batches = [
        feed.batch(part).to(model.device)
        for part in parts_of(places, parts.training.parts)[: parts.training.accumulate]
    ]  # of one device
    optimizer = make_optimizer(model.module, method.groups(model), parts.training)
    learner = Learner(
        model, parts.task, method, optimizer, parts.training.clip_norm, seed=parts.seed
    )
    for number in range(1, STEPS + 1):
        learner.step(number, batches, learning_rate=0.0)  # weights must not grow
        optimizer.zero_grad(set_to_none=True)
