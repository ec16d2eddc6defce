"""The parts of a trial, made from the settings that a job carries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tunewise.backbones.fast_cpu import speed_up
from tunewise.backbones.lean import compute_in, recompute_blocks
from tunewise.backbones.load import build
from tunewise.backbones.model import Model
from tunewise.data.examples import Example, Prediction
from tunewise.data.prepared import read_prepared
from tunewise.methods.base import METHODS, Adaptation, Method
from tunewise.statistics.metrics import Columns, scores_of
from tunewise.tasks.base import TASKS, Encoded, Task
from tunewise.training.features import FeatureStore, Stub, feature_key, is_frozen, reduction_for
from tunewise.training.feed import Feed
from tunewise.training.seeds import derive
from tunewise.training.settings import TrainingSettings
from tunewise.training.stored import OnRows


@dataclass
class Parts:
    """What a trial is made of. `settings` is the JSON that also names the trial."""

    settings: dict[str, Any]
    study_folder: Path
    task: Task
    method: Method
    training: TrainingSettings
    options: tuple[str, ...]
    seed: int

    @classmethod
    def of(cls, settings: dict[str, Any], study_folder: Path) -> Parts:
        task = {**settings["task"]}
        return cls(
            settings=settings,
            study_folder=study_folder,
            task=TASKS.build(task.pop("kind"), task),
            method=METHODS.build(settings["method"]["name"], settings["method"]["settings"]),
            training=TrainingSettings(**settings["training"]),
            options=tuple(settings["task"]["labels"]),
            seed=settings["seed"],
        )

    def examples(self, split: str) -> list[Example]:
        return [self.task.read(row) for row in read_prepared(self.study_folder / "data", split)]

    def build_model(self) -> Model | None:
        """The model as its checkpoint has it, with a new head; None where none is used."""
        source = self.settings["model"]
        if source is None:
            return None
        return build(
            source["source"],
            options=self.options,
            pooling=getattr(self.task, "pooling", "library"),
            seed=derive(self.seed, "head"),
            revision=source["revision"],
            dropout=self.training.dropout,
        )

    def max_length(self, model: Model) -> int:
        """Tokens an example may have: as asked for, and never more than the model can take."""
        return min(self.training.max_length or 512, model.max_length)

    def score(
        self, predictions: Sequence[Prediction], examples: Sequence[Example]
    ) -> dict[str, float | None]:
        """The task's metrics, and the mean loss in nats, of predictions in the examples' order."""
        columns = Columns(
            labels=np.array([example.label for example in examples]),
            choices=np.array([prediction.choice for prediction in predictions]),
            probabilities=np.array([prediction.probabilities for prediction in predictions]),
        )
        return scores_of(columns, (*self.task.metrics, "loss"))


def prepared_model(parts: Parts, method: Adaptation) -> Model:
    """The model with the method applied, on its device, as fast as it goes there."""
    model = parts.build_model()
    if model is None:
        raise ValueError(f"method '{method.name}' was given no model")
    torch.manual_seed(derive(parts.seed, "method"))
    method.prepare(model)
    if torch.cuda.is_available():
        model.module.to("cuda")
    settle(model, parts.training)
    return model


def settle(model: Model, training: TrainingSettings) -> None:
    """Make a model that lies on its device compute as the training settings say."""
    speed_up(model.module)
    if training.gradient_checkpointing:
        recompute_blocks(model)
    if training.precision != "float32":
        compute_in(model.module, getattr(torch, training.precision))


class Feeds:
    """Makes the feeds of one adapted model, in which a frozen trunk is replaced by its outputs.

    Inside the context the trunk is out of the model; `feed` is called before it is entered.
    """

    def __init__(
        self,
        parts: Parts,
        model: Model,
        sample: Sequence[Encoded],
        *,
        on_rows: OnRows = lambda rows: None,
    ) -> None:
        self.parts = parts
        self.model = model
        self.store: FeatureStore | None = None
        reduction = reduction_for(model, parts.task, sample) if is_frozen(model) else None
        if reduction is not None:
            key = feature_key(
                parts.settings["model"]["hash"],
                parts.task,
                parts.max_length(model),
                parts.settings["data"]["hash"],
            )
            folder = parts.study_folder / "features" / key
            self.store = FeatureStore(folder, model, parts.task, reduction, on_rows)

    def feed(self, split: str, encoded: Sequence[Encoded]) -> Feed:
        features = None if self.store is None else self.store.get(split, encoded)
        return Feed(self.parts.task, self.model.coder, encoded, features)

    @contextmanager
    def trunk_out(self) -> Iterator[None]:
        """Inside, stored outputs stand for the trunk, where there are any."""
        if self.store is None:
            yield
            return
        (path,) = self.model.trunks.values()
        trunk = self.model.module.get_submodule(path)
        stub = Stub(trunk, has_pooler=self.store.reduction.has_pooler)
        self.model.module.set_submodule(path, stub)
        try:
            yield
        finally:
            self.model.module.set_submodule(path, trunk)
