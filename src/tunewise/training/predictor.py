"""A trained model as a predictor: what evaluation, tests, predict and export see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from tunewise.backbones.model import Model
from tunewise.core.phases import Phase, unmeasured
from tunewise.data.examples import Example, Prediction, prediction_of
from tunewise.methods.base import Adaptation, AsIs
from tunewise.tasks.base import Asking, Task
from tunewise.tasks.encoded_texts import token_lengths
from tunewise.training.batches import evaluation_batches
from tunewise.training.encoded_split import Feed
from tunewise.training.ranks.group import ALONE, Ranks

EVALUATION_BATCH = 64
"""Examples at once. Fixed, because the last digits of a score depend on how batches are made."""


@dataclass(frozen=True)
class ModelPredictor:
    """A model, adapted or as it came, with its task."""

    task: Task
    method: Adaptation | AsIs
    model: Model
    max_length: int
    seed: int = 0
    shown: tuple[Example, ...] = ()  # before each question, with their answers

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        task = self.asked
        encoded = task.encode(examples, self.model.processor, max_length=self.max_length)
        return predict_feed(self.model, Feed(task, self.model.processor, encoded, seed=self.seed))

    @property
    def asked(self) -> Task:
        """The task behind the examples that are shown."""
        return self.task.showing(self.shown)

    def save(self, folder: Path) -> None:
        self.method.save(self.model, folder)
        if isinstance(self.method, AsIs):
            self.method.save_shown(self.shown, folder)


def predict_feed(
    model: Model,
    feed: Feed,
    *,
    thorough: bool = False,
    choosing: bool = False,
    phase: Phase = unmeasured,
    ranks: Ranks = ALONE,
) -> list[Prediction]:
    """Predictions in the order of the feed, computed in batches of similar length.

    `thorough` asks in every way that the task has, not in the first alone; `choosing` for no more
    than an epoch is chosen by. `phase` measures each batch as ``evaluation``, the longest first,
    and inside it what `Asking` names. Each of several ranks computes some of the batches, and all
    are given every answer.
    """
    asking = Asking(feed.processor, feed.seed, thorough, choosing, phase)
    found: dict[int, Prediction] = {}
    was_training = model.module.training
    model.module.eval()
    batches = evaluation_batches(token_lengths(feed.encoded), EVALUATION_BATCH)
    mine = [share.part for share in ranks.share(batches)]
    if ranks.shards and feed.task.writing:
        mine = batches  # weights are put together for each token, so all ranks write the same text
    # What is put together in inference mode could not be trained with afterwards.
    with torch.no_grad() if ranks.shards else torch.inference_mode():
        for places in mine:
            batch = feed.batch(places).to(model.device)
            with phase("evaluation"):
                answers = feed.task.predict(model.module, batch, asking)
            found.update(zip(places, answers, strict=True))
    model.module.train(was_training)
    if ranks.size > 1:
        answered = ranks.gather(list(found.items()))
        found = {place: prediction_of(values) for one in answered for place, values in one}
    return [found[place] for place in range(len(feed.encoded))]
